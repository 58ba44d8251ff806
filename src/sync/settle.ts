/** Settling: a file is believed when it has not changed for a while. One step of a small state machine. */
import { sameStat, type Stat } from './entry.ts'

/** A path that still has to settle: how it looked, and since when. */
export interface Sighting {
  readonly stat: Stat
  /** Milliseconds of a clock that never jumps. */
  readonly sinceMs: number
}

export type Settling =
  | { readonly settled: true }
  /** Look again at `untilMs`, and give `sighting` back then. */
  | { readonly settled: false; readonly sighting: Sighting; readonly untilMs: number }

/** `previous` is null at first sight. With `settleMs` 0 everything has settled at once. */
export function settle(
  previous: Sighting | null,
  { stat, nowMs, settleMs }: { readonly stat: Stat; readonly nowMs: number; readonly settleMs: number },
): Settling {
  const unchanged = previous !== null && sameStat(previous.stat, stat)
  const sighting = unchanged ? previous : { stat, sinceMs: nowMs }
  const untilMs = sighting.sinceMs + settleMs
  return nowMs >= untilMs ? { settled: true } : { settled: false, sighting, untilMs }
}
