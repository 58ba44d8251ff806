/**
 * A clock for what may end while the daemon goes on, as a folder whose index is given up: what still waits then is not
 * called any more. A late task would ask an index that is closed, and the error would end the daemon.
 */
import { type Clock } from './clock.ts'

export class EndingClock implements Clock {
  readonly #clock: Clock
  readonly #cancels = new Set<() => void>()
  #hasEnded = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  elapsed(): number {
    return this.#clock.elapsed()
  }

  after(ms: number, task: () => void): () => void {
    if (this.#hasEnded) return () => {}
    const stop = this.#clock.after(ms, () => {
      this.#cancels.delete(cancel)
      task()
    })
    const cancel = () => {
      this.#cancels.delete(cancel)
      stop()
    }
    this.#cancels.add(cancel)
    return cancel
  }

  /** Never resolves when the clock has ended meanwhile: nobody is there to go on. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(ms, signal)
    if (this.#hasEnded) await new Promise<never>(() => {})
  }

  end(): void {
    this.#hasEnded = true
    for (const cancel of [...this.#cancels]) cancel()
  }
}
