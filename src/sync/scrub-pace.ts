/**
 * The pace of a scrub: all files of a folder are read once in a round, a round is spread evenly over the interval, and
 * the disk gives at most a tenth of its time to it.
 *
 * Reading comes in bursts of what some minutes of the round ask for: between them nothing need be kept in memory. A
 * folder that is behind (its daemon was down, its disk is slow) is read without a break between bursts, never faster
 * than the tenth. Decides only; knows no clock.
 */

/** Reading for t is followed by a rest of nine t: at most a tenth of what the disk can do. */
const RESTS_PER_READ = 9
/** Longer bursts would be felt, shorter ones start the reading thread more often. */
const MOST_BURST_MS = 600_000
/** A round of a day or an hour still comes in this many bursts. */
const LEAST_BURSTS = 100
/** Opening and seeking cost about what reading so much costs: a million empty files are spread evenly too. */
const FILE_COST_BYTES = 64 * 1024

export interface Amount {
  readonly files: number
  readonly bytes: number
}

/** A round on its way. Times are wall clock, milliseconds. */
export interface RoundProgress {
  readonly beganMs: number
  readonly intervalMs: number
  readonly done: Amount
  /** What is there to be read in all, the done among it. */
  readonly total: Amount
}

/** How long the disk is left alone after having been read for `readMs`. */
export function restAfterReading(readMs: number): number {
  return readMs * RESTS_PER_READ
}

/**
 * How long until the next burst of a round; 0: now. A burst that has begun goes on (`reading`) until the round is where
 * it should be; the next begins when it has fallen behind by a whole burst.
 */
export function waitBeforeReading(round: RoundProgress, nowMs: number, reading: boolean): number {
  const aheadMs = shareDone(round) * round.intervalMs - (nowMs - round.beganMs)
  if (reading) return Math.max(0, aheadMs)
  return Math.max(0, aheadMs + burstMs(round.intervalMs))
}

/** True when all has been read and the round's time is over; a round that is late ends with its last file. */
export function isRoundOver(round: RoundProgress, nowMs: number): boolean {
  return shareDone(round) >= 1 && nowMs - round.beganMs >= round.intervalMs - burstMs(round.intervalMs)
}

/**
 * True when the file was read in this round. A stamp from the future comes from a clock that was wrong: it counts as
 * none, or the file would never be read again.
 */
export function wasReadInRound(verifiedMs: number | null, beganMs: number, nowMs: number): boolean {
  // Stamps are kept in whole seconds, rounded down.
  return verifiedMs !== null && verifiedMs + 999 >= beganMs && verifiedMs <= nowMs
}

/** When the round began, as far as that can be believed: never in the future. */
export function believableBegin(beganMs: number | null, nowMs: number): number {
  return beganMs === null || beganMs > nowMs ? nowMs : beganMs
}

/** 0 to 1. */
export function shareDone({ done, total }: Pick<RoundProgress, 'done' | 'total'>): number {
  const all = cost(total)
  return all === 0 ? 1 : Math.min(1, cost(done) / all)
}

function cost({ files, bytes }: Amount): number {
  return files * FILE_COST_BYTES + bytes
}

function burstMs(intervalMs: number): number {
  return Math.min(MOST_BURST_MS, intervalMs / LEAST_BURSTS)
}
