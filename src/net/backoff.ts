/** How long to wait before the next try: doubling, bounded, and spread so that hosts do not knock in step. */

/** A host that has just restarted is reached within a second. */
const FIRST_MS = 1_000
/** A host that comes back after a night is reached within a minute. */
const LONGEST_MS = 60_000

/** Milliseconds to wait after `failures` (1, 2, ...) in a row; `chance` is a random number of 0 to 1. */
export function backoffMs(failures: number, chance: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 30))
  return Math.round(full * (0.5 + chance / 2))
}
