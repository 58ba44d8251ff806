/**
 * What is changed on a host that only has the read-only secret: never announced. It is shown as a problem, or, with
 * `overwrite_changes`, put right: what the folder knows is fetched again, what it does not know goes to the archive.
 */
import { type RelPath } from '../base/brand.ts'
import { type Log } from '../base/log.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { type ArchivedFile, FsError, type OldFile, type Root } from '../fs/root.ts'
import { sameStat, type Stat } from '../sync/entry.ts'
import { type Observed } from '../sync/local-record.ts'
import { parentOf } from '../sync/path.ts'
import { type Committer } from './committer.ts'
import { type LocalRecords } from './local-records.ts'
import { type PathLocks } from './path-locks.ts'
import { type ProblemList } from './problem-list.ts'

export interface RefusedChangesNeeds {
  readonly disk: Pick<Root, 'remove' | 'removeDirectory'>
  readonly index: Pick<FolderIndex, 'recordsOf'>
  readonly records: Pick<LocalRecords, 'adopt'>
  readonly committer: Pick<Committer, 'commit'>
  readonly locks: PathLocks
  readonly problems: ProblemList
  /** Asked each time: it may be reloaded. */
  readonly overwriteChanges: () => boolean
  readonly announced: (paths: readonly RelPath[]) => void
  readonly lookAgain: (path: RelPath) => void
  readonly oldFile: (size: number) => OldFile
  readonly log: Log
}

export class RefusedChanges {
  readonly #needs: RefusedChangesNeeds
  /** As they looked, so that they are not hashed at every rescan. */
  readonly #known = new Map<RelPath, Stat>()

  constructor(needs: RefusedChangesNeeds) {
    this.#needs = needs
  }

  /** True when the file has been refused already, and there is nothing more to do about it. */
  has(path: RelPath, stat: Stat): boolean {
    const known = this.#known.get(path)
    return known !== undefined && sameStat(known, stat) && !this.#needs.overwriteChanges()
  }

  forget(path: RelPath): void {
    this.#known.delete(path)
  }

  /** Something here differs from the folder's records. */
  async changed(path: RelPath, stat: Stat, observed: Observed): Promise<void> {
    const { overwriteChanges, problems, index } = this.#needs
    if (!overwriteChanges()) {
      this.#known.set(path, stat)
      const detail = `${path} was changed here, but this host has the read-only secret: not announced. Move it away, or set "overwrite_changes": true`
      return problems.set('read-only-change', path, detail)
    }
    const isKnown = index.recordsOf(path).length > 0
    if (isKnown) await this.#adopt(path, observed, stat)
    else if (!(await this.#takeAway(path, stat, observed))) return
    this.#putRight(path, `${path} was changed here`)
    if (!isKnown && parentOf(path) !== '') this.#needs.lookAgain(parentOf(path) as RelPath)
  }

  /** Something that the folder's records name has been deleted here. */
  async deleted(path: RelPath): Promise<void> {
    const { overwriteChanges, problems } = this.#needs
    if (!overwriteChanges()) {
      const detail = `${path} was deleted here, but this host has the read-only secret: not announced. With "overwrite_changes": true it is fetched again`
      return problems.set('read-only-change', path, detail)
    }
    await this.#adopt(path, { kind: 'absent' }, null)
    this.#putRight(path, `${path} was deleted here`)
  }

  #putRight(path: RelPath, what: string): void {
    this.#known.delete(path)
    this.#needs.problems.clear(path, 'read-only-change')
    this.#needs.log.warn({ path }, `${what}, but this host has the read-only secret: put right`)
    this.#needs.announced([path])
  }

  /** With no version, so that whatever the folder says of the path comes over it. */
  async #adopt(path: RelPath, observed: Observed, stat: Stat | null): Promise<void> {
    const { locks, committer, records } = this.#needs
    await locks.with([path], () => committer.commit(() => records.adopt(path, observed, stat)))
  }

  /** False for a directory that has something in it: it is looked at again when that has been taken away. */
  async #takeAway(path: RelPath, stat: Stat, observed: Observed): Promise<boolean> {
    const { disk, locks, oldFile, committer } = this.#needs
    if (stat.kind === 'directory') return await locks.with([path], () => this.#removeDirectory(path))
    const old = oldFile(stat.size)
    await locks.with([path], async () => {
      const archived = await disk.remove(path, stat, old)
      await committer.commit(() => archivedChange(path, observed, archived, old))
    })
    return true
  }

  async #removeDirectory(path: RelPath): Promise<boolean> {
    try {
      await this.#needs.disk.removeDirectory(path)
      return true
    } catch (error) {
      if (error instanceof FsError && error.code === 'not-empty') return false
      throw error
    }
  }
}

function archivedChange(
  path: RelPath,
  observed: Observed,
  archived: ArchivedFile | null,
  old: OldFile,
): readonly Change[] {
  if (archived === null || observed.kind !== 'file' || old.to !== 'archive') return []
  const { root, size } = observed
  return [
    { op: 'archived', file: { name: archived.name, path, root, size, reason: 'replaced', archivedMs: old.nowMs } },
  ]
}
