/**
 * Tells peers of a file while it is hashed, stretch by stretch (sync/stretch.ts), and serves what was told, until its
 * record has gone out and nobody asks for stretches any more.
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { Lookout } from '../base/lookout.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type OpenFile, type Root } from '../fs/root.ts'
import { type Peer } from '../net/peer-port.ts'
import { pieceHash, type PieceList } from '../sync/piece-list.ts'
import { type Stretch, STRETCH_BYTES, StretchCutter, stretchName } from '../sync/stretch.ts'
import { holds } from './content-reader.ts'
import { isAnnounced } from './early-rules.ts'
import { type Growing } from './piece-server.ts'

/** So much may be told of a file and not yet be with any peer: 2 GB. Where nobody wants any of it, no more is told. */
const MOST_AHEAD = 64
/** What is hashed sooner is sent soon enough: from the kernel's cache, 2 GB. */
const TELL_AFTER_MS = 1_000
/** A peer that has taken up what it was told has said so by then. */
const LOOK_FOR_WANTING_MS = 5_000

export interface ToldStretchesNeeds {
  readonly disk: Pick<Root, 'open'>
  readonly index: Pick<FolderIndex, 'recordsOf'>
  readonly mayWrite: () => boolean
  readonly peers: () => ReadonlySet<Peer>
  readonly isWanted: (name: RootHash) => boolean
  /** It is no longer served. */
  readonly gone: (name: RootHash) => void
  /** Absent: STRETCH_BYTES, and after a second. The files of tests are smaller. */
  readonly telling?: TellingOptions
  readonly clock: Pick<Clock, 'after' | 'elapsed'>
}

export interface TellingOptions {
  readonly stretchBytes: number
  /** Nothing is told of a file that takes less to be hashed. */
  readonly afterMs: number
}

/** A file that is being hashed. Disposed of before it is finished, what was told of it is taken back. */
export interface Telling extends Disposable {
  /** The pieces that follow. */
  hashed(pieces: PieceList): void
  /** All has been read, and was the same at the end as at the beginning. */
  finished(): void
}

interface Told {
  readonly path: RelPath
  readonly stretches: Map<RootHash, Stretch>
  /** Of those, the ones that no peer has got. */
  readonly ahead: Set<RootHash>
  /** To be told when fewer are ahead. */
  untold: Stretch[]
  /** Opened by the first to be served; null where it cannot be. */
  file: Promise<OpenFile | null> | null
  isHashing: boolean
}

export class ToldStretches {
  readonly #needs: ToldStretchesNeeds
  readonly #files = new Set<Told>()
  readonly #lookout: Lookout

  constructor(needs: ToldStretchesNeeds) {
    this.#needs = needs
    this.#lookout = new Lookout({ everyMs: LOOK_FOR_WANTING_MS, look: () => this.#look(), clock: needs.clock })
  }

  /** Null where nothing is told: of files that gain little, and of what may not be announced as it is. */
  begin(path: RelPath, fileSize: number): Telling | null {
    const { stretchBytes, afterMs } = this.#needs.telling ?? { stretchBytes: STRETCH_BYTES, afterMs: TELL_AFTER_MS }
    if (fileSize < 2 * stretchBytes || !this.#needs.mayWrite()) return null
    // The brake may have a say in what replaces a file: it is announced when that has been settled.
    if (isAnnounced(path, this.#needs.index)) return null
    const told: Told = { path, stretches: new Map(), ahead: new Set(), untold: [], file: null, isHashing: true }
    const cutter = new StretchCutter({ path, fileSize, stretchBytes })
    const fromMs = this.#needs.clock.elapsed() + afterMs
    this.#files.add(told)
    this.#lookout.start()
    return {
      hashed: (pieces) => {
        if (!this.#files.has(told)) return
        told.untold.push(...cutter.add(pieces))
        if (this.#needs.clock.elapsed() >= fromMs) this.#tell(told)
      },
      finished: () => {
        told.isHashing = false
        told.untold = []
      },
      [Symbol.dispose]: () => void (told.isHashing && this.#forget(told)),
    }
  }

  /** A peer that comes later can help with what nobody has got. */
  up(peer: Peer): void {
    for (const told of this.#files) {
      for (const name of told.ahead) peer.send({ type: 'stretch', stretch: told.stretches.get(name)! })
      this.#tell(told)
    }
  }

  /** What it was at is nobody's now. */
  down(): void {
    for (const told of this.#files) {
      for (const name of told.ahead) if (!this.#needs.isWanted(name)) told.ahead.delete(name)
      this.#tell(told)
    }
  }

  /** A peer has got all of a content, or gives it up: if that is a stretch, the next may be told of. */
  noLongerWanted(name: RootHash): void {
    const told = this.#find(name)
    if (told?.ahead.delete(name) === true) this.#tell(told)
  }

  /** The list of a stretch that was told; null if there is none of that name. */
  listOf(name: RootHash): PieceList | null {
    return this.#find(name)?.stretches.get(name)?.list ?? null
  }

  growing(name: RootHash): Growing | null {
    const told = this.#find(name)
    const stretch = told?.stretches.get(name)
    if (told === undefined || stretch === undefined) return null
    return {
      have: () => ({ all: true }),
      read: (ordinal, offset, into) => this.#read(told, stretch, ordinal, offset, into),
    }
  }

  /** Ends it all: the disk is about to go. */
  close(): void {
    for (const told of this.#files) this.#forget(told)
  }

  #tell(told: Told): void {
    const peers = this.#needs.peers()
    if (!this.#files.has(told) || peers.size === 0) return
    for (const stretch of told.untold.splice(0, MOST_AHEAD - told.ahead.size)) {
      const name = stretchName(stretch)
      told.stretches.set(name, stretch)
      told.ahead.add(name)
      for (const peer of peers) peer.send({ type: 'stretch', stretch })
    }
  }

  async #read(told: Told, { offset: from, list }: Stretch, ordinal: number, offset: number, into: Uint8Array) {
    told.file ??= this.#needs.disk.open(told.path).catch(() => null)
    const file = await told.file
    if (file !== null && (await holds(file, from + offset, pieceHash(list, ordinal), into))) return true
    this.#forget(told) // it has changed, or cannot be read
    return false
  }

  #look(): boolean {
    for (const told of this.#files) {
      const isWanted = [...told.stretches.keys()].some((name) => this.#needs.isWanted(name))
      if (!told.isHashing && !isWanted) this.#forget(told)
    }
    return this.#files.size > 0
  }

  #forget(told: Told): void {
    if (!this.#files.delete(told)) return
    for (const name of told.stretches.keys()) this.#needs.gone(name)
    void told.file?.then((file) => file?.close()).catch(() => undefined)
    told.file = Promise.resolve(null)
  }

  #find(name: RootHash): Told | undefined {
    return this.#files.values().find(({ stretches }) => stretches.has(name))
  }
}
