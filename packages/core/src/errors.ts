/**
 * The one error class of Outrigger. `code` is stable and documented where it is thrown; `message` says what
 * happened, to what, and what to do about it.
 */
export class OutriggerError extends Error {
  override readonly name = "OutriggerError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Wraps anything that was thrown, keeping the code of an OutriggerError or of a Node system error. */
  static from(thrown: unknown, code = "internal"): OutriggerError {
    if (thrown instanceof OutriggerError) return thrown;
    if (thrown instanceof Error) {
      const systemCode = "code" in thrown && typeof thrown.code === "string" ? thrown.code : code;
      return new OutriggerError(systemCode, thrown.message, { cause: thrown });
    }
    return new OutriggerError(code, String(thrown), { cause: thrown });
  }
}
