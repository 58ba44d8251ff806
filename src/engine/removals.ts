/**
 * Hands on to the applier what other hosts changed: first what is to come, so that a rename finds its content; then
 * what is to go. Files that would lose their content are counted, and where so many do in one go that it may be an
 * accident, they stay as they are until the operator says whether that was meant.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { ofRecords } from '../sync/approval.ts'
import { reconcile } from '../sync/reconcile.ts'
import { type SignedRecord } from '../sync/record.ts'
import { compareVersions, noVersion } from '../sync/version.ts'
import { type Applier } from './applier.ts'
import { type Brake, type Losing } from './brake.ts'
import { type Committer } from './committer.ts'

export interface RemovalsNeeds {
  readonly index: Pick<FolderIndex, 'entry' | 'entriesUnder' | 'recordsOf' | 'isApproved'>
  readonly committer: Pick<Committer, 'commit'>
  readonly applier: Pick<Applier, 'consider' | 'liveSettled' | 'isLiveSettled'>
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
    this.#running ??= this.#removeAll()
    await this.#running
  }

  /** Also what comes until the moment in which this ends. What fails is left to the next time. */
  async #removeAll(): Promise<void> {
    try {
      do await this.#removeLater()
      while (this.#waiting.size > 0)
    } finally {
      this.#running = null
    }
  }

  /** True for what is not to be carried out now, by whatever way one comes to it. */
  isHeld(path: RelPath): boolean {
    return this.#waiting.has(path) || this.#needs.brake.isHeld(path)
  }

  /**
   * The operator meant it, or this one of it. Returns how many paths that were. What is to come is fetched for hours, so
   * it is noted first: after a restart nobody asks again.
   */
  async approve(name: RelPath | null = null): Promise<number> {
    const { brake, applier, committer, index } = this.#needs
    const [replaced, deleted] = [brake.meant('replaced', name), brake.meant('deleted', name)]
    const meant = [...replaced, ...deleted]
    await committer.commit(() =>
      meant.map((path) => ({ op: 'approved', approval: ofRecords(path, index.recordsOf(path)) })),
    )
    for (const path of meant) brake.forget(path)
    applier.consider(replaced, deleted)
    return meant.length
  }

  /** The operator did not mean it: the paths that are to be brought back on all hosts. */
  release(): readonly RelPath[] {
    const { brake } = this.#needs
    return [...brake.release('replaced'), ...brake.release('deleted')].filter((path) => this.#isToDo(path))
  }

  /** The paths without those that are to lose what they hold, if these are too many. */
  #allowed(live: readonly RelPath[]): readonly RelPath[] {
    const { brake } = this.#needs
    const losing = live.flatMap((path) => this.#lossesBy(path))
    const isHeld = losing.length > 0 && brake.decide(losing) === 'hold'
    const held = new Set(isHeld ? losing.map(({ path }) => path) : [])
    const allowed = live.filter((path) => !held.has(path))
    for (const path of allowed) this.#forget(path)
    return allowed
  }

  /** What the path would lose, were it brought up to date now. */
  #lossesBy(path: RelPath): readonly Losing[] {
    const { index } = this.#needs
    const entry = index.entry(path)
    if (entry?.kind !== 'file' && entry?.kind !== 'directory') return []
    const decision = reconcile(entry, index.recordsOf(path))
    if (decision.do === 'nothing' || decision.do === 'adopt') return []
    if (isReassertion(decision.winner) || this.#isApproved(path)) return []
    if (entry.kind === 'directory') return decision.do === 'make-directory' ? [] : this.#lossesUnder(path)
    // Without a version it was given up before: it has rotted, or was to be overwritten.
    const wasGivenUp = compareVersions(entry.version, noVersion) === 'equal'
    return wasGivenUp ? [] : [{ path, loss: 'replaced', isFile: true }]
  }

  /** A file comes in place of the directory, and buries what lies there. What was deleted there is counted as that. */
  #lossesUnder(dir: RelPath): readonly Losing[] {
    const buried = [...this.#needs.index.entriesUnder(dir)].filter(
      ({ path }) => !this.#isToDo(path) && !this.#isApproved(path),
    )
    if (buried.length === 0) return []
    const under = buried.map(({ path, kind }): Losing => ({ path, loss: 'deleted', isFile: kind === 'file' }))
    return [{ path: dir, loss: 'deleted', isFile: false }, ...under]
  }

  /** The path may go its way, and what it would have buried stays. */
  #forget(path: RelPath): void {
    const { brake } = this.#needs
    if (!brake.isHeld(path)) return
    brake.forget(path)
    for (const under of brake.held('deleted'))
      if (under.startsWith(`${path}/`) && !this.#isToDo(under)) brake.forget(under)
  }

  async #removeLater(): Promise<void> {
    const { applier } = this.#needs
    // Looked at without a pause before counting: what is renamed a moment later would count as deleted.
    do await applier.liveSettled()
    while (!applier.isLiveSettled)
    const paths = [...this.#waiting].filter((path) => this.#isToDo(path))
    this.#waiting.clear()
    const approved = new Set(paths.filter((path) => this.#isApproved(path)))
    const others = paths.filter((path) => !approved.has(path))
    const losing = others.map((path): Losing => {
      return { path, loss: 'deleted', isFile: this.#needs.index.entry(path)?.kind === 'file' }
    })
    const mayGo = this.#needs.brake.decide(losing) === 'pass'
    applier.consider([], mayGo ? paths : [...approved])
  }

  #isApproved(path: RelPath): boolean {
    return this.#needs.index.isApproved(ofRecords(path, this.#needs.index.recordsOf(path)))
  }

  #isToDo(path: RelPath): boolean {
    return reconcile(this.#needs.index.entry(path), this.#needs.index.recordsOf(path)).do !== 'nothing'
  }
}

/** Made by hand already: an operator of another host has discarded, and what was there before comes back. */
function isReassertion(record: SignedRecord): boolean {
  return record.kind === 'file' && record.previous === record.root
}
