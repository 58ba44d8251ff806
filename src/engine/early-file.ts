/** One file that is fetched while another host hashes it: its stretches, and where they come to lie. */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type StagedFile } from '../fs/root.ts'
import { StagedSpan } from '../fs/staged-span.ts'
import { type Have } from '../net/peer-port.ts'
import { pieceHash, type PieceList, pieceOffsets } from '../sync/piece-list.ts'
import { PieceSet } from '../sync/piece-set.ts'
import { ordinalOf, type Stretch } from '../sync/stretch.ts'
import { holds } from './content-reader.ts'
import { type Growing } from './piece-server.ts'

/** A stretch that nobody offers for so long is left: its host has gone, or has found the file changed. */
const UNOFFERED_MS = 5_000
/** And so long after the last word of it, the file. */
const FORGET_MS = 120_000

export interface EarlyFileOptions {
  readonly path: RelPath
  /** Bytes of the whole file. */
  readonly size: number
  /** The name of its file in staging. */
  readonly stagedAs: RootHash
}

export interface EarlyFileNeeds {
  /** Opens its file in staging, when its turn has come. */
  readonly open: () => Promise<StagedFile>
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
  readonly #needs: EarlyFileNeeds
  readonly #parts = new Map<RootHash, Part>()
  #staged: Promise<StagedFile> | null = null
  #newsMs = 0
  #offeredMs = 0

  constructor({ path, size, stagedAs }: EarlyFileOptions, needs: EarlyFileNeeds) {
    this.path = path
    this.size = size
    this.stagedAs = stagedAs
    this.#needs = needs
  }

  /** Whoever hashes it has told more of it. */
  heard(nowMs: number): void {
    this.#newsMs = this.#offeredMs = nowMs
  }

  /**
   * What is to be done about it, looked at again and again: to go on, to give up its stretches that are under way, or
   * all of it. `isOffered` is null for a stretch that waits for its turn.
   */
  verdict(nowMs: number, isOffered: (name: RootHash) => boolean | null): 'go on' | 'leave' | 'forget' {
    const underWay = this.underWay()
    if (underWay.length === 0) return nowMs - this.#newsMs >= FORGET_MS ? 'forget' : 'go on'
    const begun = underWay.map(isOffered).filter((offered) => offered !== null)
    if (begun.length === 0 || begun.includes(true)) this.#offeredMs = nowMs
    return nowMs - this.#offeredMs >= UNOFFERED_MS ? 'leave' : 'go on'
  }

  /** Its file in staging, which stays open as long as this is of use. */
  staged(): Promise<StagedFile> {
    return (this.#staged ??= this.#needs.open())
  }

  /** Closes its file in staging, if that was ever opened. */
  async close(): Promise<void> {
    await this.#staged?.then((staged) => staged.close()).catch(() => undefined)
  }

  /** False for one that cannot be of the same file as those before. */
  fits(stretch: Stretch): boolean {
    return stretch.fileSize === this.size && !this.#parts.values().some((part) => overlap(part.stretch, stretch))
  }

  add(name: RootHash, stretch: Stretch): void {
    this.#parts.set(name, { stretch, have: null })
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

  /** What is there of the stretches that are no longer being fetched. */
  get endedBytes(): number {
    return this.#parts
      .values()
      .reduce((sum, { stretch, have }) => sum + (have === null ? 0 : bytesOf(stretch, have)), 0)
  }

  listOf(name: RootHash): PieceList | null {
    return this.#parts.get(name)?.stretch.list ?? null
  }

  /** Where the bytes of a stretch go. */
  async open(name: RootHash): Promise<StagedFile> {
    const { offset, list } = this.#parts.get(name)!.stretch
    return new StagedSpan(await this.staged(), { offset, bytes: list.size })
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
    const staged = await this.staged().catch(() => null)
    return staged !== null && (await holds(staged, from + offset, pieceHash(list, ordinal), into))
  }
}

function bytesOf({ list }: Stretch, have: Have): number {
  if (have.all) return list.size
  const offsets = pieceOffsets(list)
  let bytes = 0
  PieceSet.told(list.count, have).each((ordinal) => void (bytes += offsets[ordinal + 1]! - offsets[ordinal]!))
  return bytes
}

function overlap(a: Stretch, b: Stretch): boolean {
  return a.offset < b.offset + b.list.size && b.offset < a.offset + a.list.size
}
