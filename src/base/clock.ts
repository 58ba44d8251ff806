/**
 * Time as an argument. Everything outside `sync/` that waits or stamps gets a Clock, so that a whole cluster can run
 * on a virtual one. `sync/` gets plain numbers.
 */
import { setImmediate as nextTurn, setTimeout as sleepReal } from 'node:timers/promises'

export interface Clock {
  /** Wall clock, milliseconds since 1970: for stamps only. Never decides order or whether something is lost. */
  now(): number
  /** Milliseconds of a clock that never jumps: for durations, rates and deadlines. */
  elapsed(): number
  /** Runs `task` once after `ms`; the returned function cancels it. Does not keep the process alive. */
  after(ms: number, task: () => void): () => void
  /** Resolves after `ms` (0: as soon as what else is ready has had its turn); rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms).unref()
    return () => clearTimeout(timer)
  },
  sleep: async (ms, signal) => {
    const options = signal ? { signal } : {}
    // A timer of 0 ms waits for one: who only lets others have a turn a hundred times would wait a tenth of a second.
    await (ms === 0 ? nextTurn(undefined, options) : sleepReal(ms, undefined, options))
  },
}
