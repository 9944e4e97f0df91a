/** A programmer's error, never a peer's or a user's: what failed can only be mended in the code. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Stays on in production: a daemon that is wrong must stop before it tells others. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the branch that the types say is never taken. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
