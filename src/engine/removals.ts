/**
 * Hands on to the applier what other hosts changed: first what is to come, so that a rename finds its content; then
 * what is to go. Files that would lose their content are counted, and where so many do in one go that it may be an
 * accident, they stay as they are until the operator says whether that was meant.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { reconcile } from '../sync/reconcile.ts'
import { type SignedRecord } from '../sync/record.ts'
import { compareVersions, noVersion } from '../sync/version.ts'
import { type Applier } from './applier.ts'
import { type Brake, type Losing } from './brake.ts'

export interface RemovalsNeeds {
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf'>
  readonly applier: Pick<Applier, 'consider' | 'liveSettled'>
  readonly brake: Brake
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
    this.#needs.applier.consider(this.#allowed(live))
    for (const path of dead) this.#waiting.add(path)
    this.#running ??= this.#removeLater().finally(() => this.#removed())
    await this.#running
  }

  /** What came after the last had been taken, and before this, was told that its turn is to come. */
  async #removed(): Promise<void> {
    this.#running = null
    if (this.#waiting.size > 0) await this.consider([], [])
  }

  /** The operator meant it. Returns how many paths that were. */
  approve(): number {
    const { brake, applier } = this.#needs
    const [replaced, deleted] = [brake.release('replaced'), brake.release('deleted')]
    applier.consider(replaced, deleted)
    return replaced.length + deleted.length
  }

  /** The operator did not mean it: the paths that are to be brought back on all hosts. */
  release(): readonly RelPath[] {
    const { brake } = this.#needs
    return [...brake.release('replaced'), ...brake.release('deleted')].filter((path) => this.#isToDo(path))
  }

  /** The paths without those that are to lose what they hold, if these are too many. */
  #allowed(live: readonly RelPath[]): readonly RelPath[] {
    const { brake } = this.#needs
    const losing = live.flatMap((path): Losing[] => {
      return this.#isToBeReplaced(path) ? [{ path, loss: 'replaced', isFile: true }] : []
    })
    const isHeld = losing.length > 0 && brake.decide(losing) === 'hold'
    const held = new Set(isHeld ? losing.map(({ path }) => path) : [])
    const allowed = live.filter((path) => !held.has(path))
    for (const path of allowed) brake.forget(path)
    return allowed
  }

  #isToBeReplaced(path: RelPath): boolean {
    const { index } = this.#needs
    const entry = index.entry(path)
    // Without a version it was given up before: it has rotted, or was to be overwritten.
    if (entry?.kind !== 'file' || compareVersions(entry.version, noVersion) === 'equal') return false
    const decision = reconcile(entry, index.recordsOf(path))
    return decision.do !== 'nothing' && decision.do !== 'adopt' && !isReassertion(decision.winner)
  }

  async #removeLater(): Promise<void> {
    await this.#needs.applier.liveSettled()
    const paths = [...this.#waiting].filter((path) => this.#isToDo(path))
    this.#waiting.clear()
    const losing = paths.map((path): Losing => {
      return { path, loss: 'deleted', isFile: this.#needs.index.entry(path)?.kind === 'file' }
    })
    if (this.#needs.brake.decide(losing) === 'pass') this.#needs.applier.consider([], paths)
  }

  #isToDo(path: RelPath): boolean {
    return reconcile(this.#needs.index.entry(path), this.#needs.index.recordsOf(path)).do !== 'nothing'
  }
}

/** Made by hand already: an operator of another host has discarded, and what was there before comes back. */
function isReassertion(record: SignedRecord): boolean {
  return record.kind === 'file' && record.previous === record.root
}
