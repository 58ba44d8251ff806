/**
 * What was observed at a path becomes a record: under the path's lock, if it is still so, together with the other half of
 * a rename.
 */
import { type RelPath } from '../base/brand.ts'
import { type Log } from '../base/log.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { type Root } from '../fs/root.ts'
import { sameStat, type Stat } from '../sync/entry.ts'
import { type Observed } from '../sync/local-record.ts'
import { contentKey } from '../sync/record.ts'
import { type Committer } from './committer.ts'
import { type Deletions } from './deletions.ts'
import { type LocalRecords, type Noted } from './local-records.ts'
import { type PathLocks } from './path-locks.ts'
import { type ProblemList } from './problem-list.ts'
import { type RefusedChanges } from './refused-changes.ts'

export interface LocalCommitsNeeds {
  readonly disk: Pick<Root, 'stat'>
  readonly index: Pick<FolderIndex, 'entry'>
  readonly records: LocalRecords
  readonly deletions: Pick<Deletions, 'haveEmptied' | 'renamedFrom' | 'forget'>
  /** What a host with the read-only secret changes. */
  readonly refused: RefusedChanges
  readonly committer: Pick<Committer, 'commit'>
  readonly locks: PathLocks
  readonly problems: ProblemList
  /** These paths have new records, or entries that the folder's records decide about. */
  readonly announced: (paths: readonly RelPath[]) => void
  /** Look at the path again soon. */
  readonly lookAgain: (path: RelPath) => void
  /** The root is there and is the one it was: only then is what lies in it announced. */
  readonly rootIsSound: () => Promise<boolean>
  readonly log: Log
}

export class LocalCommits {
  readonly #needs: LocalCommitsNeeds

  constructor(needs: LocalCommitsNeeds) {
    this.#needs = needs
  }

  /** `content`: the changes that make the content known, in the same transaction. */
  async commit(path: RelPath, stat: Stat, observed: Observed, content: readonly Change[]): Promise<void> {
    const { locks, deletions, committer, records, index } = this.#needs
    // What lay in a directory goes before a file comes in its place, and is told first.
    const isInPlaceOfDirectory = index.entry(path)?.kind === 'directory' && observed.kind !== 'directory'
    if (isInPlaceOfDirectory && !(await deletions.haveEmptied(path))) return
    const from = observed.kind === 'file' ? this.#renamedFrom(stat, observed) : null
    const noted = await locks.with(from === null ? [path] : [path, from], async () => {
      if (!(await this.#needs.rootIsSound())) return 'no-root'
      if (!(await this.isStill(path, stat))) return 'changed'
      const isMissing = from !== null && (await this.#needs.disk.stat(from)) === null
      const renamed = isMissing && (await this.#needs.rootIsSound())
      let noted: Noted = { changes: [], what: 'known' }
      await committer.commit(() => {
        noted = records.note(path, observed, stat)
        const gone = renamed ? records.note(from, { kind: 'absent' }, null).changes : []
        return [...content, ...noted.changes, ...gone]
      })
      if (renamed) deletions.forget(from)
      return noted
    })
    if (noted === 'changed') return this.#needs.lookAgain(path)
    if (noted === 'no-root') return // the scan after it is back finds what has really changed
    await this.#tell(path, stat, observed, noted, from)
  }

  /** With another content it is no rename, but a deletion, of which there may be too many, and something new. */
  #renamedFrom(stat: Stat, observed: Observed): RelPath | null {
    const path = this.#needs.deletions.renamedFrom(stat.inode)
    const entry = path === null ? null : this.#needs.index.entry(path)
    return entry !== null && contentKey(entry) === contentKey(observed) ? path : null
  }

  /** A directory changes with what is put into it, and stays what it is. */
  async isStill(path: RelPath, stat: Stat): Promise<boolean> {
    const now = await this.#needs.disk.stat(path)
    if (now === null || now.kind !== stat.kind) return false
    return stat.kind === 'directory' || sameStat(now, stat)
  }

  async #tell(path: RelPath, stat: Stat, observed: Observed, noted: Noted, from: RelPath | null): Promise<void> {
    if (noted.what === 'refused') return await this.#needs.refused.changed(path, stat, observed)
    this.#needs.problems.clear(
      path,
      'unreadable',
      'unsupported',
      'read-only-change',
      'unfinished',
      'bad-link',
      'name-clash',
    )
    if (noted.what === 'announced') {
      const size = observed.kind === 'file' ? observed.size : undefined
      const renamed = from === null ? '' : ` (was ${from})`
      this.#needs.log.info({ path, size, kind: observed.kind }, `announced ${path}${renamed}`)
    }
    this.#needs.announced(from === null ? [path] : [path, from])
  }
}
