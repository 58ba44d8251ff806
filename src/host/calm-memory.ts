/**
 * Gives memory back when nothing happens. V8 keeps what busy times made it take: after a pool has come, some 190 MiB
 * stay resident, of which 30 are in use. A collection of the thorough kind brings that to 125 (measured), at the price
 * of standing still for a tenth of a second: so only while the daemon has nothing to do.
 */
import { type Clock } from '../base/clock.ts'

const LOOK_EVERY_MS = 5_000
/** Whoever moves data or scans takes far more of a core; a status question now and then does not count. */
const CALM_CPU_SHARE = 0.04
/** A second one finds what was kept for a while only: the code of functions that have not run since, recent contents. */
const AGAIN_AFTER_MS = 30_000
/** Growth since the last time that is worth standing still for. */
const WORTHWHILE_BYTES = 12 << 20

export interface CalmMemoryNeeds {
  readonly clock: Pick<Clock, 'after' | 'elapsed'>
  /** Milliseconds of CPU time that this process has taken so far. */
  readonly cpuMs: () => number
  readonly residentBytes: () => number
  readonly collect: () => void
}

/** Returns what ends it. */
export function giveMemoryBackWhenCalm(needs: CalmMemoryNeeds): () => void {
  const { clock, cpuMs, residentBytes, collect } = needs
  let afterLast = 0
  let againMs = Infinity
  let cancel = () => {}
  const lookLater = () => {
    const [elapsedBefore, cpuBefore] = [clock.elapsed(), cpuMs()]
    cancel = clock.after(LOOK_EVERY_MS, () => {
      const share = (cpuMs() - cpuBefore) / (clock.elapsed() - elapsedBefore)
      const [hasGrown, isDue] = [residentBytes() > afterLast + WORTHWHILE_BYTES, clock.elapsed() >= againMs]
      if (share < CALM_CPU_SHARE && (hasGrown || isDue)) {
        collect()
        afterLast = residentBytes()
        againMs = isDue ? Infinity : clock.elapsed() + AGAIN_AFTER_MS
      }
      afterLast = Math.min(afterLast, residentBytes())
      lookLater()
    })
  }
  lookLater()
  return () => cancel()
}

/** This process; null where Node was started without --expose-gc (bin/isosyncd gives it). */
export function thisProcess(clock: CalmMemoryNeeds['clock']): CalmMemoryNeeds | null {
  const { gc } = globalThis
  if (gc === undefined) return null
  return {
    clock,
    cpuMs: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    },
    residentBytes: () => process.memoryUsage.rss(),
    // The only kind that also gives the young generation's space back to the system.
    collect: () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
  }
}
