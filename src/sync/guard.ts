/**
 * The brake: a wiped disk, a wrong mount, a slip of the hand or a program that encrypts all it finds must not cost the
 * whole pool its contents in one go.
 */

/** Files that lose their content. */
export interface Losses {
  /** They are gone. */
  readonly deleted: number
  /** Another content stands under their name. */
  readonly replaced: number
}

export interface Wave {
  /** Files in the folder before. */
  readonly total: number
  /** What is known to be lost in one go. */
  readonly sure: Losses
  /** What may be: not read yet, or perhaps only renamed. */
  readonly doubtful: Losses
}

/** How much may be lost in one go. */
export interface LossLimits {
  /** `max_delete_files`. */
  readonly maxFiles: number
  /** `max_delete_percent`. */
  readonly maxPercent: number
}

/** 'wait': it depends on what is in doubt yet. */
export type Verdict = 'pass' | 'hold' | 'wait'

export const NO_LOSSES: Losses = { deleted: 0, replaced: 0 }

export function addLosses(a: Losses, b: Losses): Losses {
  return { deleted: a.deleted + b.deleted, replaced: a.replaced + b.replaced }
}

/** Nothing passes that would be held if all that is in doubt were lost too, and nothing is held for a mere doubt. */
export function guardLosses({ total, sure, doubtful }: Wave, limits: LossLimits): Verdict {
  if (isTooMuch(total, sure, limits)) return 'hold'
  return isTooMuch(total, addLosses(sure, doubtful), limits) ? 'wait' : 'pass'
}

/**
 * More than `maxFiles` and more than `maxPercent` are lost; or nothing would be left, unless all there was is one file:
 * deleting that is no accident that could be told from an intention.
 */
function isTooMuch(total: number, { deleted, replaced }: Losses, { maxFiles, maxPercent }: LossLimits): boolean {
  if (total > 1 && deleted >= total) return true
  const lost = deleted + replaced
  return lost > maxFiles && lost * 100 > maxPercent * total
}
