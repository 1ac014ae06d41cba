/** The toolstack refuses a configuration: one line for the user, exit code 2. */
export class ToolsError extends Error {}
