/** A guest cannot be prepared: one line says what and what to do. */
export class GuestSetupError extends Error {}
