/** One file that is fetched while another host hashes it: its stretches, and where they come to lie. */
import { blake3 } from '../base/blake3.ts'
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type StagedFile } from '../fs/root.ts'
import { StagedSpan } from '../fs/staged-span.ts'
import { type Have } from '../net/peer-port.ts'
import { pieceHash, type PieceList, pieceOffsets } from '../sync/piece-list.ts'
import { PieceSet } from '../sync/piece-set.ts'
import { ordinalOf, type Stretch } from '../sync/stretch.ts'
import { type Growing } from './piece-server.ts'

export interface EarlyFileOptions {
  readonly path: RelPath
  /** Bytes of the whole file. */
  readonly size: number
  /** Of its file in staging. */
  readonly stagedAs: RootHash
  readonly staged: Promise<StagedFile>
}

interface Part {
  readonly stretch: Stretch
  /** What is there of it, when it is no longer being fetched. */
  have: Have | null
}

export class EarlyFile {
  readonly path: RelPath
  readonly size: number
  readonly stagedAs: RootHash
  readonly staged: Promise<StagedFile>
  readonly #parts = new Map<RootHash, Part>()

  constructor({ path, size, stagedAs, staged }: EarlyFileOptions) {
    this.path = path
    this.size = size
    this.stagedAs = stagedAs
    this.staged = staged
  }

  /** False for one that cannot be of the same file as those before. */
  add(name: RootHash, stretch: Stretch): boolean {
    if (stretch.fileSize !== this.size || this.#parts.values().some((part) => overlap(part.stretch, stretch)))
      return false
    this.#parts.set(name, { stretch, have: null })
    return true
  }

  /** Of all its stretches. */
  names(): readonly RootHash[] {
    return [...this.#parts.keys()]
  }

  /** Of those that are being fetched. */
  underWay(): readonly RootHash[] {
    return this.names().filter((name) => this.#parts.get(name)?.have === null)
  }

  /** It is no longer being fetched. */
  ended(name: RootHash, have: Have): void {
    const part = this.#parts.get(name)
    if (part !== undefined) part.have = have
  }

  listOf(name: RootHash): PieceList | null {
    return this.#parts.get(name)?.stretch.list ?? null
  }

  /** Where the bytes of a stretch go. */
  async open(name: RootHash): Promise<StagedFile> {
    const { offset, list } = this.#parts.get(name)!.stretch
    return new StagedSpan(await this.staged, { offset, bytes: list.size })
  }

  /** A stretch that is no longer being fetched, for others; null while its transfer serves it. */
  growing(name: RootHash): Growing | null {
    const part = this.#parts.get(name)
    const have = part?.have ?? null
    if (part === undefined || have === null) return null
    return { have: () => have, read: (ordinal, offset, into) => this.#read(part.stretch, ordinal, offset, into) }
  }

  /** Which pieces of a whole content are here; null if this is not the beginning of it. */
  piecesOf(whole: PieceList): PieceSet | null {
    if (whole.size !== this.size) return null
    const offsets = pieceOffsets(whole)
    const pieces = new PieceSet(whole.count)
    for (const { stretch, have } of this.#parts.values()) {
      const from = ordinalOf(stretch, whole, offsets)
      if (from === null) return null
      if (have !== null) PieceSet.told(stretch.list.count, have).each((ordinal) => void pieces.add(from + ordinal))
    }
    return pieces
  }

  async #read({ offset: from, list }: Stretch, ordinal: number, offset: number, into: Uint8Array): Promise<boolean> {
    const staged = await this.staged
    const got = await staged.read(into, from + offset).catch(() => 0)
    return got === into.byteLength && blake3(into).equals(pieceHash(list, ordinal))
  }
}

function overlap(a: Stretch, b: Stretch): boolean {
  return a.offset < b.offset + b.list.size && b.offset < a.offset + a.list.size
}
