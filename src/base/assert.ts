/** Assertions stay on in production: a broken promise of our own code must stop before it reaches the disk. */

/** Ends a `switch` over a union: the compiler proves that no case is left, and at run time a foreign value is a crash. */
export function assertNever(value: never): never {
  throw new Error(`isosyncd bug: unexpected ${JSON.stringify(value)}`)
}

/** Throws `isosyncd bug: <what>` when a promise of our own code does not hold; never for bad input. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`isosyncd bug: ${what}`)
}
