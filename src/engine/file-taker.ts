/**
 * Takes a settled file into the index: opens it once, checks that it is whole, hashes it, and makes sure on the same
 * descriptor and again under the path's lock that it did not change meanwhile. What changed waits until it settles.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { FsError, type OpenFile, type Root } from '../fs/root.ts'
import { HashedFileChanged, type Hasher } from '../scan/hasher.ts'
import { ofLength } from '../sync/approval.ts'
import { sameStat, type Stat } from '../sync/entry.ts'
import { IMAGE_HEAD_BYTES, imageLengthTrouble, LEAST_IMAGE_BYTES } from '../sync/iso9660.ts'
import { type PieceList, rootHash } from '../sync/piece-list.ts'
import { isSmall, smallList } from '../sync/small-content.ts'
import { type Committer } from './committer.ts'
import { type ProblemList } from './problem-list.ts'
import { type RecentContents } from './recent-contents.ts'
import { type Settling } from './settling.ts'
import { type ToldStretches } from './told-stretches.ts'

/** A file that is still being written is looked at again this often: no event tells that its writer has closed it. */
const STILL_WRITTEN_MS = 500

export interface FileTakerNeeds {
  readonly disk: Pick<Root, 'open'>
  readonly index: Pick<FolderIndex, 'recordsOf' | 'isApproved'>
  readonly committer: Pick<Committer, 'commit'>
  readonly hasher: Pick<Hasher, 'hash'>
  readonly stretches: Pick<ToldStretches, 'begin'>
  readonly settling: Pick<Settling, 'hold'>
  readonly problems: ProblemList
  readonly recent: Pick<RecentContents, 'keep'>
  /** True if some process has the file open for writing; null where that cannot be known. */
  readonly hasWriters: (file: OpenFile) => boolean | null
}

/** A file being hashed, for `status`. */
export interface Hashing {
  readonly path: RelPath
  readonly inode: number
  readonly size: number
  doneBytes: number
}

export class FileTaker {
  readonly #needs: FileTakerNeeds
  readonly #hashing = new Map<RelPath, Hashing>()

  constructor(needs: FileTakerNeeds) {
    this.#needs = needs
  }

  /** The files that are being hashed. */
  hashing(): readonly Hashing[] {
    return [...this.#hashing.values()]
  }

  isTaking(path: RelPath): boolean {
    return this.#hashing.has(path)
  }

  /** The operator says that the file is whole as it is now. */
  approve(path: RelPath, stat: Stat): Promise<void> {
    return this.#needs.committer.commit(() => [{ op: 'approved', approval: ofLength(path, stat) }])
  }

  /** The piece list of the file as `stat` describes it; null when it is not to be taken now (the reason is noted). */
  async hash(path: RelPath, stat: Stat, signal: AbortSignal): Promise<PieceList | null> {
    const taking: Hashing = { path, inode: stat.inode, size: stat.size, doneBytes: 0 }
    this.#hashing.set(path, taking)
    try {
      const file = await this.#needs.disk.open(path)
      try {
        return await this.#hashOpen(file, taking, stat, signal)
      } finally {
        await file.close()
      }
    } catch (error) {
      return this.#failed(path, stat, error)
    } finally {
      this.#hashing.delete(path)
    }
  }

  async #hashOpen(file: OpenFile, taking: Hashing, stat: Stat, signal: AbortSignal): Promise<PieceList | null> {
    if (!sameStat(await file.stat(), stat)) return this.#unsettled(taking.path, stat)
    const unfinished = await this.#unfinished(taking.path, file, stat)
    if (unfinished !== null) return this.#held(taking.path, stat, unfinished)
    this.#needs.problems.clear(taking.path, 'unfinished')
    const list = isSmall(stat.size)
      ? await this.#hashSmall(file, stat)
      : await this.#hashLarge(file, taking, stat, signal)
    if (list === null) return this.#unsettled(taking.path, stat)
    this.#needs.problems.clear(taking.path, 'unreadable', 'io-error')
    return list
  }

  /** Others may have meanwhile what has been hashed. Null if it changed. */
  async #hashLarge(file: OpenFile, taking: Hashing, stat: Stat, signal: AbortSignal): Promise<PieceList | null> {
    using telling = this.#needs.stretches.begin(taking.path, taking.size)
    const progress = (bytes: number, pieces: PieceList) => {
      taking.doneBytes = bytes
      telling?.hashed(pieces)
    }
    const list = await this.#needs.hasher.hash(file, taking.size, progress, signal)
    if (!sameStat(await file.stat(), stat)) return null
    telling?.finished()
    return list
  }

  /** In one read, for one byte more than there should be: so it shows that it has not grown. Null if it changed. */
  async #hashSmall(file: OpenFile, stat: Stat): Promise<PieceList | null> {
    const { size } = stat
    const bytes = Buffer.allocUnsafe(size + 1)
    const got = await file.read(bytes, 0)
    if (got !== size) throw new HashedFileChanged(`the file of ${size} bytes had ${got} when it was read`)
    const content = bytes.subarray(0, size)
    const list = smallList(content)
    this.#needs.recent.keep(rootHash(list), content)
    return sameStat(await file.stat(), stat) ? list : null
  }

  /** Why the file is not whole yet, or null. */
  async #unfinished(path: RelPath, file: OpenFile, stat: Stat): Promise<string | null> {
    if (this.#needs.hasWriters(file) === true) return 'another process still has it open for writing'
    if (stat.size < LEAST_IMAGE_BYTES || this.#isWhole(path, stat)) return null
    const head = new Uint8Array(Math.min(IMAGE_HEAD_BYTES, stat.size))
    await file.read(head, 0)
    return imageLengthTrouble(head, stat.size)
  }

  /** By the word of an operator, here or where it was announced with this length. */
  #isWhole(path: RelPath, stat: Stat): boolean {
    const { index } = this.#needs
    if (index.isApproved(ofLength(path, stat))) return true
    return index.recordsOf(path).some((record) => record.kind === 'file' && record.size === stat.size)
  }

  #unsettled(path: RelPath, stat: Stat): null {
    this.#needs.settling.hold(path, stat, 1)
    return null
  }

  #held(path: RelPath, stat: Stat, why: string): null {
    this.#needs.problems.set(
      'unfinished',
      path,
      `${path} is not announced yet: ${why}. It is announced when it is whole; if it is, say \`isosyncd approve ${path}\``,
    )
    this.#needs.settling.hold(path, stat, STILL_WRITTEN_MS)
    return null
  }

  #failed(path: RelPath, stat: Stat, error: unknown): null {
    if (error instanceof HashedFileChanged) return this.#unsettled(path, stat)
    if (!(error instanceof FsError)) throw error
    if (error.code === 'missing') return null
    if (error.code === 'changed' || error.code === 'link-in-the-way') return this.#unsettled(path, stat)
    const kind = error.code === 'denied' ? 'unreadable' : 'io-error'
    this.#needs.problems.set(kind, path, `${error.message}; not announced, tried again at the next rescan`)
    return null
  }
}
