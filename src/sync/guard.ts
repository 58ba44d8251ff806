/** The brake on deletions: a wiped disk, a wrong mount or a slip of the hand must not empty the pool in one go. */

export interface DeletionWave {
  /** Files in the folder before. */
  readonly total: number
  /** How many of them vanish in one go. */
  readonly deletions: number
}

export interface DeletionLimits {
  /** `max_delete_files`. */
  readonly maxFiles: number
  /** `max_delete_percent`. */
  readonly maxPercent: number
}

/**
 * 'hold' when more than `maxFiles` and more than `maxPercent` vanish, or when nothing would be left, unless all there
 * was is one file: deleting that is no accident that could be told from an intention.
 */
export function guardDeletions(wave: DeletionWave, { maxFiles, maxPercent }: DeletionLimits): 'pass' | 'hold' {
  const { total, deletions } = wave
  if (total > 1 && deletions >= total) return 'hold'
  return deletions > maxFiles && deletions * 100 > maxPercent * total ? 'hold' : 'pass'
}
