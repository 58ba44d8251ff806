/** Exit statuses of all sub-commands, for scripts and control panels. */
import { ControlError } from '../api/control-error.ts'

export const FINE = 0
/** A negative answer (`where`: not everywhere yet), or something failed. */
export const FAILED = 1
/** Wrong usage, or a config that is wrong or cannot be read. */
export const WRONG_USAGE = 2
export const NOT_RUNNING = 3
/** This user may not open the control socket. */
export const DENIED = 4

export const exitCodesInWords = `Exit status:
  ${FINE}  fine; \`where\`: every known host has it whole
  ${FAILED}  a negative answer (\`where\`: not everywhere yet), or it failed
  ${WRONG_USAGE}  wrong usage, or a config that is wrong or cannot be read
  ${NOT_RUNNING}  the daemon is not running
  ${DENIED}  this user may not open the daemon's control socket`

/** The command line or the config does not make sense: the sentence says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return WRONG_USAGE
  if (!(error instanceof ControlError)) return FAILED
  switch (error.code) {
    case 'not-running':
      return NOT_RUNNING
    case 'denied':
      return DENIED
    case 'bad-request':
    case 'no-such-folder':
    case 'which-folder':
      return WRONG_USAGE
    case 'not-found':
    case 'in-the-way':
    case 'halted':
    case 'failed':
      return FAILED
  }
}
