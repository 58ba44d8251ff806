/**
 * What becomes of a file that has rotted:
 *
 *   1. it is read once more, whole: what really lies there has a root hash of its own
 *   2. under the path's lock, if still nothing has touched it, the index says the truth: this path holds that other
 *      content, and no record stands for it
 *   3. so the records come over it as over anything that is not theirs: the good pieces are taken from this disk, the
 *      bad ones from peers, and the rotten copy goes to the archive
 *
 * A disk that does not give the bytes may give them again, and perhaps no other host has them: what reads right again is
 * the content of its record, and is served again.
 *
 * From 2 on the host no longer claims to have the file, and nothing of it can be announced, whatever becomes of its stat.
 */
import { blake3 } from '../base/blake3.ts'
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { FsError, type Root } from '../fs/root.ts'
import { type Hasher } from '../scan/hasher.ts'
import { sameStat } from '../sync/entry.ts'
import { HASH_BYTES, type PieceList, pieceHash, rootHash } from '../sync/piece-list.ts'
import { noVersion } from '../sync/version.ts'
import { type Committer } from './committer.ts'
import { type Rot } from './file-verifier.ts'
import { type PathLocks } from './path-locks.ts'
import { statOf } from './tree-changes.ts'

export interface HealerNeeds {
  readonly disk: Pick<Root, 'open' | 'stat'>
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf'>
  readonly hasher: Pick<Hasher, 'hash'>
  readonly committer: Pick<Committer, 'commit'>
  readonly locks: PathLocks
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /** The path no longer holds this content, or again: fetch it, and tell those who want it. */
  readonly lost: (path: RelPath, root: RootHash) => void
}

export class Healer {
  readonly #needs: HealerNeeds

  constructor(needs: HealerNeeds) {
    this.#needs = needs
  }

  /** True if it is rot, and healing has begun; false if it read well this time, or somebody has touched it. */
  async heal(rot: Rot, signal: AbortSignal): Promise<boolean> {
    const { locks, log, lost } = this.#needs
    const { path, root } = rot.entry
    const lies = await this.#whatLiesThere(rot, signal)
    if (lies === null) return false
    if (rootHash(lies) === root) {
      log.warn({ path }, `${path} could not be read right, and then it could: look at the disk and its cable`)
      return false
    }
    const isRight = this.#isOfItsRecord(path, rootHash(lies))
    const known = isRight ? [] : [this.#rotten(rot)]
    if (!(await locks.with([path], () => this.#sayWhatLiesThere(rot, lies, known)))) return false
    if (isRight) log.info({ path }, `${path} reads right again: it is served again. Look at the disk and its cable`)
    else
      log.warn(
        { problem: 'rotten', path, pieces: rot.list.count, bad: rot.bad.length },
        `${rotInWords(path, rot.bad.length, rot.list.count)}; it is healed from the other hosts`,
      )
    lost(path, isRight ? rootHash(lies) : root)
    return !isRight
  }

  #isOfItsRecord(path: RelPath, root: RootHash): boolean {
    return this.#needs.index.recordsOf(path).some((record) => record.kind === 'file' && record.root === root)
  }

  #rotten({ entry: { path }, bad, list }: Rot): Change {
    const file = { path, badPieces: bad.length, pieces: list.count, foundMs: this.#needs.clock.now() }
    return { op: 'rotten', file }
  }

  /** Null if it is not the file that was read before. */
  async #whatLiesThere(rot: Rot, signal: AbortSignal): Promise<PieceList | null> {
    const { entry, list, bad } = rot
    try {
      const file = await this.#needs.disk.open(entry.path)
      try {
        const lies = await this.#needs.hasher.hash(file, entry.size, () => {}, signal)
        return sameStat(await file.stat(), statOf(entry)) ? lies : null
      } finally {
        await file.close()
      }
    } catch (error) {
      if (error instanceof FsError && error.code === 'io') return unreadable(list, bad)
      signal.throwIfAborted()
      return null // it changes or has gone: the scanner sees to it
    }
  }

  /** `known`: what is noted with it. */
  async #sayWhatLiesThere({ entry }: Rot, lies: PieceList, known: readonly Change[]): Promise<boolean> {
    const { disk, index, committer } = this.#needs
    const { path } = entry
    const stat = await disk.stat(path)
    if (stat === null || !sameStat(stat, statOf(entry))) return false
    let done = false
    await committer.commit(() => {
      const now = index.entry(path)
      done = now?.kind === 'file' && now.root === entry.root && sameStat(statOf(now), statOf(entry))
      if (!done) return []
      const root = rootHash(lies)
      return [
        { op: 'content', root, list: lies },
        { op: 'entry', entry: { ...entry, root, version: noVersion } },
        ...known,
      ]
    })
    return done
  }
}

/** What the log says when it is found, and `status` too, which goes on with how far healing is (scrub-report.ts). */
export function rotInWords(path: RelPath, badPieces: number, pieces: number): string {
  return `${path} has rotted: ${badPieces} of ${pieces} pieces differ, though nothing has touched the file. It is not served`
}

/** The disk does not give the bad pieces at all: a list with hashes in their places that no bytes have. */
function unreadable(list: PieceList, bad: readonly number[]): PieceList {
  const hashes = list.hashes.slice()
  for (const ordinal of bad)
    hashes.set(blake3(Buffer.concat([Buffer.from('unreadable'), pieceHash(list, ordinal)])), ordinal * HASH_BYTES)
  return { ...list, hashes }
}
