/** Looks every so often, from when something is under way for as long as something is. */
import { type Clock } from './clock.ts'

export interface LookoutNeeds {
  readonly everyMs: number
  /** True if there is more to look for. */
  readonly look: () => boolean
  readonly clock: Pick<Clock, 'after'>
}

export class Lookout {
  readonly #needs: LookoutNeeds
  #isOn = false

  constructor(needs: LookoutNeeds) {
    this.#needs = needs
  }

  /** Something is under way. */
  start(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#needs.clock.after(this.#needs.everyMs, () => {
      this.#isOn = false
      if (this.#needs.look()) this.start()
    })
  }
}
