/** Bytes that are not what they should be. The message is one line that names the format and the offset or field. */
export class FormatError extends Error {
  constructor(
    readonly format: string,
    readonly detail: string,
  ) {
    super(`${format}: ${detail}`);
    this.name = 'FormatError';
  }
}
