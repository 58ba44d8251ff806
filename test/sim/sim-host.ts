/** One whole host of the simulation: a disk, an index in memory, and the engine between them, for as many lives as it takes. */
import { type HostName, type RelPath, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { type Log } from '../../src/base/log.ts'
import { type FolderKeys } from '../../src/base/secret.ts'
import { type IndexDatabase, openIndexDatabase } from '../../src/db/open.ts'
import { type FolderSettings } from '../../src/engine/folder-settings.ts'
import { PoolFolder } from '../../src/engine/pool-folder.ts'
import { crashDisk, type CrashFate } from '../../src/fs/memory-crash.ts'
import { type MemoryDirectory, type MemoryDisk } from '../../src/fs/memory-disk.ts'
import { type MemoryOp, MemoryRoot } from '../../src/fs/memory-root.ts'
import { type FsErrorCode, type Root } from '../../src/fs/root.ts'
import { type MemoryLink, type MemoryNetwork } from '../../src/net/memory-network.ts'
import { type FolderHandlers, type Peer } from '../../src/net/peer-port.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { createScanner } from '../../src/scan/scanner.ts'
import { copyOfDisk, type IndexFiles, putBack } from './backup.ts'
import { type Chance } from './chance.ts'
import { PowerFailure, simIndex } from './sim-index.ts'
import { simRoot } from './sim-root.ts'
import { SlowHasher } from './slow-hasher.ts'
import { HostClock, type SimTime } from './sim-time.ts'

/** 2023-11-14: where the clocks of all hosts begin, if they are right. */
const START_MS = 1_700_000_000_000

export interface SimHostOptions {
  readonly name: string
  readonly keys: FolderKeys
  readonly settleMs: number
  readonly rescanMs: number
  readonly scrubMs: number | null
  readonly slowestMs: number
  readonly site: string | null
  /** The longest that it takes to hash a piece, of which it tells others then; null: none is told of before the whole. */
  readonly hashesForMs: number | null
  /** Null: indexes lie in memory, and no copies can be made. */
  readonly files: IndexFiles | null
}

export interface SimHostNeeds {
  readonly time: SimTime
  readonly network: MemoryNetwork
  readonly chance: Chance
  readonly log: (host: SimHost, level: string, fields: object, sentence: string) => void
  readonly passing: (host: SimHost) => boolean
  readonly served: (host: SimHost, root: RootHash, ordinal: number, bytes: Uint8Array) => void
  readonly wrote: (host: SimHost, op: string, path: string) => void
  readonly heard: (host: SimHost) => void
  readonly down: (host: SimHost, peer: Peer, reason: string) => void
  /** The power went out in the midst of something. */
  readonly crashed: (host: SimHost) => void
  /** It began anew with an index of its own making. */
  readonly renewed: (host: SimHost, why: string) => void
}

interface Life {
  readonly clock: HostClock
  readonly folder: PoolFolder
  readonly link: MemoryLink
}

export class SimHost {
  readonly name: string
  readonly root: MemoryRoot
  /** Its own disk, also while another is mounted in its place. */
  readonly disk: MemoryDisk
  readonly replicas: ReplicaId[] = []
  index: IndexDatabase
  skewMs = 0
  /** The files of a disk that is mounted in place of its own: nobody may change them. */
  strangeFiles = ''
  capacityBytes = Number.MAX_SAFE_INTEGER
  readonly unreadable = new Set<string>()
  /** Once in so many operations the disk fails; 0: never. */
  failsOneIn = 0
  /** No fsync succeeds. */
  failsToSync = false
  /** The power goes out after so many steps within operations of the disk and the index; 0: it does not. */
  stepsToCrash = 0
  /** A transaction of the index is open: what it changes is not durable. */
  isCommitting = false
  /** Transactions that its index has had: as long as there are no more of them, it says what it said. */
  commits = 0
  readonly #options: SimHostOptions
  readonly #needs: SimHostNeeds
  /** An older index was put back: it may be given up at any time. */
  wasRestored = false
  /** Its index is one from before it was lost: the marker in the root is that of the one after. */
  isOfFormerIndex = false
  #backup: { readonly index: string; readonly disk: MemoryDirectory } | null = null
  #indexPath = ''
  #life: Life | null = null
  #lastUs = 0

  constructor(options: SimHostOptions, needs: SimHostNeeds) {
    this.name = options.name
    this.#options = options
    this.#needs = needs
    const capacity = () => this.capacityBytes
    this.root = new MemoryRoot(
      {
        get capacityBytes() {
          return capacity()
        },
      },
      { now: () => this.nowUs(), fail: (op, path) => this.#fail(op, path), step: () => this.#step() },
    )
    this.disk = this.root.disk
    this.index = this.#newIndex()
  }

  get isUp(): boolean {
    return this.#life !== null
  }

  get isReadOnly(): boolean {
    return this.#options.keys.sign === null
  }

  get settleMs(): number {
    return this.#options.settleMs
  }

  get folder(): PoolFolder | null {
    return this.#life?.folder ?? null
  }

  get records() {
    return this.index.folder(this.#options.keys.id)
  }

  get isMounted(): boolean {
    return this.root.disk === this.disk
  }

  /** Microseconds; no two stamps are equal, as on a system with fine-grained ones. */
  nowUs(): number {
    const us = (START_MS + this.skewMs + Math.floor(this.#needs.time.nowMs)) * 1000
    this.#lastUs = us > this.#lastUs || us < this.#lastUs - 1_000_000 ? us : this.#lastUs + 1
    return this.#lastUs
  }

  start(): void {
    const { time, network } = this.#needs
    const { keys, site } = this.#options
    const clock = new HostClock({ time, wallMs: () => START_MS + this.skewMs + time.nowMs })
    const folder = this.#build(clock)
    const handlers = this.#handlers(folder, clock)
    const writer = keys.sign !== null
    const { replica } = this.index
    const link = network.openFolder({ name: this.name as HostName, site, writer, folder: keys.id, replica, handlers })
    this.#life = { clock, folder, link }
    folder.start()
  }

  /** Power failure: of what is not synced some, all or nothing is gone, and what was under way never ends. */
  crash(): void {
    this.kill()
    this.isCommitting = false
    crashDisk(this.disk, this.#fate())
  }

  /** kill -9: the disk keeps what was written. */
  kill(): void {
    this.#life?.clock.kill()
    this.#life?.link.close()
    this.#life = null
  }

  async stop(): Promise<void> {
    const life = this.#life
    await life?.folder.close()
    life?.link.close()
    life?.clock.kill()
    this.#life = null
  }

  /** For a host that is down: it comes back as one that knows nothing. */
  loseIndex(): void {
    this.index.close()
    this.index = this.#newIndex()
    this.isOfFormerIndex = false
  }

  /** Copies the index and the disk. */
  backUp(): void {
    const { files } = this.#options
    if (files !== null) this.#backup = { index: files.copy(this.#indexPath), disk: copyOfDisk(this.disk) }
  }

  get hasBackup(): boolean {
    return this.#backup !== null
  }

  /** For a host that is down: puts the copy of the index back, or that of everything. */
  restore(what: 'index' | 'all'): void {
    const { files } = this.#options
    if (files === null || this.#backup === null) return
    const { replica } = this.index
    this.index.close()
    this.index = this.#openIndex(files.copy(this.#backup.index))
    this.isOfFormerIndex = what === 'index' && this.index.replica !== replica
    if (what === 'all') putBack(this.disk, this.#backup.disk)
    this.wasRestored = true
  }

  /** Scans, and scrubs where it is scrubbed, no oftener than that. */
  lookEvery(ms: number): void {
    const { folder } = this
    const scrubIntervalMs = this.#options.scrubMs === null ? null : ms
    if (folder !== null) folder.settings = { ...folder.settings, rescanIntervalMs: ms, scrubIntervalMs }
  }

  /** What the watcher would say. */
  hint(path: string): void {
    this.#life?.folder.local.noticing.hint(path as RelPath)
  }

  #newIndex(): IndexDatabase {
    const index = this.#openIndex(this.#options.files?.newPath() ?? ':memory:')
    this.replicas.push(index.replica)
    return index
  }

  #openIndex(path: string): IndexDatabase {
    this.#indexPath = path
    return openIndexDatabase(path, { randomBytes: (count) => this.#needs.chance.bytes(count) })
  }

  #renewIndex(why: string): void {
    if (!this.wasRestored)
      throw new Error(`the index of ${this.name} was given up, though nothing happened to it: ${why}`)
    this.kill()
    this.loseIndex()
    this.#needs.renewed(this, why)
  }

  #build(clock: HostClock): PoolFolder {
    const disk = this.#slowDisk(clock)
    const index = simIndex(this.records, {
      isDead: () => clock.isDead,
      step: () => this.#step(),
      entered: (depth) => {
        this.isCommitting = depth > 0
        if (!this.isCommitting) this.commits++
      },
    })
    const ignored = () => false
    return new PoolFolder(this.#settings(), {
      disk,
      index,
      ...this.#hashing(clock),
      scanner: createScanner({ root: disk, index, ignored, clock }),
      openPlace: (place) => (place.in === 'tree' ? disk.open(place.entry.path) : disk.openArchived(place.name)),
      hasWriters: () => null,
      renewIndex: (why, detail) => clock.isDead || this.#renewIndex(`${why}: ${detail}`),
      clock,
      log: this.#log({}, clock),
    })
  }

  #hashing(clock: HostClock) {
    const { hashesForMs: slowestMs } = this.#options
    if (slowestMs === null) return { hasher: new InlineHasher() }
    return {
      hasher: new SlowHasher({ clock, chance: this.#needs.chance, slowestMs }),
      telling: { stretchBytes: 1, afterMs: 0 },
    }
  }

  #slowDisk(clock: HostClock): Root {
    const { chance } = this.#needs
    return simRoot({
      root: this.root,
      clock,
      chance,
      slowestMs: () => this.#options.slowestMs,
      passing: () => this.#needs.passing(this),
      wrote: (op, path) => this.#needs.wrote(this, op, path),
    })
  }

  #settings(): FolderSettings {
    const { keys, site, settleMs, rescanMs, scrubMs } = this.#options
    return {
      dir: `/${this.name}`,
      keys,
      site,
      useArchive: true,
      overwriteChanges: true,
      settleMs,
      archiveMaxFileBytes: null,
      maxDeleteFiles: 10,
      maxDeletePercent: 25,
      archiveTtlMs: null,
      rescanIntervalMs: rescanMs,
      scrubIntervalMs: scrubMs,
    }
  }

  /** The dead hear nothing. */
  #handlers(folder: PoolFolder, clock: HostClock): FolderHandlers {
    return {
      up: (peer) => clock.isDead || folder.up(peer),
      down: (peer, reason) => {
        if (clock.isDead) return
        this.#needs.down(this, peer, reason)
        folder.down(peer)
      },
      message: (peer, message) => {
        if (clock.isDead) return
        this.#needs.heard(this)
        folder.message(peer, message)
      },
      servePieceList: (root) => (clock.isDead ? null : folder.servePieceList(root)),
      servePiece: async (root, ordinal) => {
        const piece = clock.isDead ? null : await folder.servePiece(root, ordinal)
        if (piece !== null) this.#needs.served(this, root, ordinal, piece.bytes)
        return piece
      },
    }
  }

  #step(): void {
    if (this.stepsToCrash === 0 || !this.isUp || !this.isMounted || --this.stepsToCrash > 0) return
    this.crash()
    this.#needs.crashed(this)
    throw new PowerFailure('the power went out')
  }

  #fate(): CrashFate | null {
    const { chance } = this.#needs
    if (chance.oneIn(3)) return null
    const keptOneIn = chance.pick([1, 2, 4])
    return {
      keepsName: () => chance.oneIn(keptOneIn),
      keepsTime: () => chance.oneIn(2),
      bytes: () => chance.pick(['old', 'new', 'torn']),
      keepsSector: () => chance.oneIn(2),
    }
  }

  #fail(op: MemoryOp, path: string): FsErrorCode | null {
    if (this.failsToSync && op === 'sync') return 'io'
    if (this.unreadable.has(path) && (op === 'open' || op === 'list')) return 'denied'
    if (op === 'stat' && this.#isBelowUnreadable(path)) return 'denied'
    if (this.failsOneIn > 0 && this.#needs.chance.oneIn(this.failsOneIn)) return 'io'
    return null
  }

  #isBelowUnreadable(path: string): boolean {
    for (const top of this.unreadable) if (path.startsWith(`${top}/`)) return true
    return false
  }

  #log(more: object, clock: HostClock): Log {
    const say = (level: string) => (fields: object, sentence: string) => {
      if (!clock.isDead) this.#needs.log(this, level, { ...more, ...fields }, sentence)
    }
    return {
      trace: () => {},
      debug: () => {},
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      child: (fields) => this.#log({ ...more, ...fields }, clock),
    }
  }
}
