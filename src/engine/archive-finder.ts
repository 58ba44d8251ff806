/**
 * Takes up what lies in the archive and the index does not know: it is new, because the old one was lost. Until then such
 * files would be listed by nobody and stay for ever. Each is read once, one after the other, for its pieces are of use
 * and it must be known what it is. What does not bear the name that we give (Resilio keeps its archive in the same
 * place) is not ours, and left alone.
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Log } from '../base/log.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { parseArchiveName } from '../fs/archive-name.ts'
import { type ArchivedFile, type Root } from '../fs/root.ts'
import { type Hasher } from '../scan/hasher.ts'
import { sameStat } from '../sync/entry.ts'
import { parsePath } from '../sync/path.ts'
import { rootHash } from '../sync/piece-list.ts'
import { type Committer } from './committer.ts'

export interface ArchiveFinderNeeds {
  readonly disk: Pick<Root, 'listArchive' | 'openArchived'>
  readonly index: Pick<FolderIndex, 'archive' | 'pieceList'>
  readonly hasher: Pick<Hasher, 'hash'>
  readonly committer: Pick<Committer, 'commit'>
  /** The root is there and is the one it was. */
  readonly rootIsSound: () => Promise<boolean>
  /** Others may have waited for this content. */
  readonly found: (root: RootHash) => void
  readonly log: Log
}

export class ArchiveFinder {
  readonly #needs: ArchiveFinderNeeds
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(needs: ArchiveFinderNeeds) {
    this.#needs = needs
  }

  start(): void {
    if (this.#stop.signal.aborted) return
    this.#running = this.#takeUpAll().catch((error: unknown) => {
      if (!this.#stop.signal.aborted)
        this.#needs.log.warn({ err: error }, 'could not look at what lies in the archive; the next start does')
    })
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('stopping'))
    await this.#running
  }

  async #takeUpAll(): Promise<void> {
    const { disk, index, log, rootIsSound } = this.#needs
    if (!(await rootIsSound())) return
    const known = new Set(index.archive().map(({ name }) => name))
    const unknown = (await disk.listArchive()).filter(({ name }) => !known.has(name))
    let found = 0
    for (const file of unknown) {
      const origin = originOf(file)
      if (origin !== null && (await this.#takeUp(file, origin))) found++
    }
    if (found > 0) log.info({ files: found }, `found ${found} files in the archive that the index did not know`)
  }

  /** False for what cannot be read, or is no longer as it was: the log says why. */
  async #takeUp(file: ArchivedFile, { path, archivedMs }: Origin): Promise<boolean> {
    const { index, committer, log } = this.#needs
    const { name } = file
    try {
      const list = await this.#hash(file)
      if (list === null) return false
      const [root, { size }] = [rootHash(list), file.stat]
      const content: readonly Change[] = index.pieceList(root) === null ? [{ op: 'content', root, list }] : []
      // It may have been archived just now, and is known by now with the reason why.
      const isKnown = () => index.archive().some((other) => other.name === name)
      const archived: Change = { op: 'archived', file: { name, path, root, size, reason: 'unknown', archivedMs } }
      await committer.commit(() => (isKnown() ? [] : [...content, archived]))
      this.#needs.found(root)
      return true
    } catch (error) {
      this.#stop.signal.throwIfAborted()
      log.warn(
        { archived: name, err: error },
        `could not read ${name} in the archive: it is not listed before the next start`,
      )
      return false
    }
  }

  async #hash({ name, stat }: ArchivedFile) {
    const open = await this.#needs.disk.openArchived(name)
    try {
      const list = await this.#needs.hasher.hash(open, stat.size, () => {}, this.#stop.signal)
      return sameStat(await open.stat(), stat) ? list : null
    } finally {
      await open.close()
    }
  }
}

interface Origin {
  readonly path: RelPath
  readonly archivedMs: number
}

/** Null for a name that is none of ours. */
function originOf({ name }: ArchivedFile): Origin | null {
  const at = name.lastIndexOf('/') + 1
  const parsed = parseArchiveName(name.slice(at))
  const path = parsed === null ? null : parsePath(name.slice(0, at) + parsed.name)
  return parsed === null || path === null ? null : { path, archivedMs: parsed.archivedMs }
}
