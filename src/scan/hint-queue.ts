/** Hints on their way: each path once, a moment after the first event, so that a burst of events is one hint. */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'

/** Short beside settling, long beside the events of one write. */
const GATHER_MS = 50

export class HintQueue {
  readonly #needs: { readonly clock: Pick<Clock, 'after'>; readonly onHint: (path: RelPath) => void }
  readonly #waiting = new Set<RelPath>()
  #cancel: (() => void) | null = null

  constructor(needs: { readonly clock: Pick<Clock, 'after'>; readonly onHint: (path: RelPath) => void }) {
    this.#needs = needs
  }

  add(path: RelPath): void {
    this.#waiting.add(path)
    this.#cancel ??= this.#needs.clock.after(GATHER_MS, () => this.#flush())
  }

  close(): void {
    this.#cancel?.()
    this.#waiting.clear()
  }

  #flush(): void {
    this.#cancel = null
    const paths = [...this.#waiting]
    this.#waiting.clear()
    for (const path of paths) this.#needs.onHint(path)
  }
}
