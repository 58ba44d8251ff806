/**
 * Hands on to the applier what other hosts changed: first what is to come, so that a rename finds its content; then
 * what is to go, unless so much of it comes in one go that the operator is to say whether that was meant.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { reconcile } from '../sync/reconcile.ts'
import { type Applier } from './applier.ts'
import { type DeleteBrake } from './delete-brake.ts'

export interface RemovalsNeeds {
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf'>
  readonly applier: Pick<Applier, 'consider' | 'liveSettled'>
  readonly brake: DeleteBrake
}

export class Removals {
  readonly #needs: RemovalsNeeds
  readonly #waiting = new Set<RelPath>()
  #running: Promise<void> | null = null

  constructor(needs: RemovalsNeeds) {
    this.#needs = needs
  }

  /** Resolves when what is to go has been handed on or is held. */
  async consider(live: readonly RelPath[], dead: readonly RelPath[]): Promise<void> {
    this.#needs.applier.consider(live)
    for (const path of dead) this.#waiting.add(path)
    this.#running ??= this.#removeLater().finally(() => (this.#running = null))
    await this.#running
  }

  /** The operator meant it. Returns how many paths that were. */
  approve(): number {
    const held = this.#needs.brake.release()
    this.#needs.applier.consider([], held)
    return held.length
  }

  /** The operator did not mean it: the paths that are to be brought back on all hosts. */
  release(): readonly RelPath[] {
    return this.#needs.brake.release().filter((path) => this.#isToGo(path))
  }

  async #removeLater(): Promise<void> {
    await this.#needs.applier.liveSettled()
    const paths = [...this.#waiting].filter((path) => this.#isToGo(path))
    this.#waiting.clear()
    const files = paths.filter((path) => this.#needs.index.entry(path)?.kind === 'file').length
    if (this.#needs.brake.mayGo(paths, files)) this.#needs.applier.consider([], paths)
  }

  #isToGo(path: RelPath): boolean {
    return reconcile(this.#needs.index.entry(path), this.#needs.index.recordsOf(path)).do !== 'nothing'
  }
}
