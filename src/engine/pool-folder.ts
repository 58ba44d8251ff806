/**
 * One folder of the pool, put together from its two halves (local-side.ts, remote-side.ts) and what they share. It
 * hands on what peers say and decides nothing but whether the folder is halted.
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { isDamage, isUnwritableIndex } from '../db/index-error.ts'
import { type ContentPlace, type FolderIndex } from '../db/index-port.ts'
import { type OldFile, type OpenFile, type Root } from '../fs/root.ts'
import { type FolderHandlers, type FolderMessage, type Peer } from '../net/peer-port.ts'
import { type Hasher } from '../scan/hasher.ts'
import { type PieceChecker } from '../scan/piece-checker.ts'
import { type Scanner } from '../scan/scanner.ts'
import { type Entry } from '../sync/entry.ts'
import { Announcer } from './announcer.ts'
import { ArchiveFinder } from './archive-finder.ts'
import { ArchiveKeeper } from './archive-keeper.ts'
import { Committer } from './committer.ts'
import { ContentReader } from './content-reader.ts'
import { type FolderSettings } from './folder-settings.ts'
import { LocalSide } from './local-side.ts'
import { PathLocks } from './path-locks.ts'
import { PieceServer } from './piece-server.ts'
import { ProblemList } from './problem-list.ts'
import { RecentContents } from './recent-contents.ts'
import { RemoteSide } from './remote-side.ts'
import { RootGuard } from './root-guard.ts'
import { ScrubSide } from './scrub-side.ts'
import { type TellingOptions, ToldStretches } from './told-stretches.ts'
import { Whereabouts } from './whereabouts.ts'

export interface PoolFolderNeeds {
  readonly disk: Root
  readonly index: FolderIndex
  readonly hasher: Pick<Hasher, 'hash'>
  readonly scanner: Pick<Scanner, 'scanAll' | 'scanPath' | 'isAsKnown'>
  /** Opens a content's place in any folder of this host. */
  readonly openPlace: (place: ContentPlace) => Promise<OpenFile>
  /** How files are told of while they are hashed. */
  readonly telling?: TellingOptions
  readonly hasWriters: (file: OpenFile) => boolean | null
  /** Absent: there is nothing to take before the root is used, or to leave when it is not there. */
  readonly claim?: RootClaiming
  /** Absent: files are re-read in this thread. */
  readonly checker?: PieceChecker
  /** A place in another folder of this host is not what the index says. */
  readonly suspectElsewhere?: (place: ContentPlace) => void
  /** The index is not to be relied on: a new one is needed, and a new folder over it. */
  readonly renewIndex: (why: 'damaged' | 'outdated', detail: string) => void
  /** Whether the disk of the index takes writes; absent: it always does. */
  readonly indexTakesWrites?: () => Promise<boolean>
  readonly clock: Clock
  readonly log: Log
}

/** What is to be had on the root (lock, watches) while it is there, and on no other. */
export interface RootClaiming {
  /** Null when all is there; else why the folder cannot go on. */
  take(): Promise<string | null>
  leave(): Promise<void>
}

export class PoolFolder implements FolderHandlers {
  /** Asked for at each use: it may be reloaded. */
  settings: FolderSettings
  readonly problems: ProblemList
  readonly announcer: Announcer
  readonly stretches: ToldStretches
  readonly server: PieceServer
  readonly local: LocalSide
  readonly remote: RemoteSide
  readonly archive: ArchiveKeeper
  readonly whereabouts: Whereabouts
  readonly scrub: ScrubSide
  readonly #clock: Clock
  readonly #disk: Root
  readonly #committer: Committer
  readonly #reader: ContentReader
  readonly #finder: ArchiveFinder
  readonly #peers = new Set<Peer>()
  readonly #renewIndex: PoolFolderNeeds['renewIndex']
  readonly #claim: RootClaiming | null
  /** The index is to be made anew: until then nothing is believed that peers say, and nothing told. */
  #isGivenUp = false
  #halted: string | null = null
  /** The root has been looked at once: what the records ask for may be carried out. */
  #hasBegun = false

  constructor(settings: FolderSettings, needs: PoolFolderNeeds) {
    const { index, clock, log } = needs
    this.settings = settings
    this.#clock = clock
    this.#disk = needs.disk
    this.problems = new ProblemList({ log })
    this.#renewIndex = needs.renewIndex
    this.#claim = needs.claim ?? null
    const outdated = (why: string) => this.#giveUp('outdated', why)
    this.announcer = new Announcer({ index, outdated })
    const failed = (error: unknown) => this.#indexFailed(error)
    this.#committer = new Committer({ index, clock, failed })
    this.#reader = new ContentReader({ ...needs, suspect: (place) => this.scrub.suspect(place) })
    const recent = new RecentContents({ clock })
    this.stretches = new ToldStretches({
      ...needs,
      mayWrite: () => this.settings.keys.sign !== null,
      peers: () => this.#peers,
      isWanted: (name) => this.server.alsoWanting(name).size > 0,
      gone: (name) => this.server.changed(name),
    })
    this.server = new PieceServer({
      ...needs,
      recent,
      reader: this.#reader,
      stretchList: (name) => this.stretches.listOf(name) ?? this.remote.early.listOf(name),
      growing: (root) =>
        this.stretches.growing(root) ?? this.remote.early.growing(root) ?? this.remote.downloader.growing(root),
    })
    const shared = {
      ...needs,
      settings: () => this.settings,
      committer: this.#committer,
      recent,
      stretches: this.stretches,
      locks: new PathLocks(),
      problems: this.problems,
      guard: this.#guardOf(settings, needs),
      oldFile: (size: number) => this.#oldFile(size),
      isHalted: () => this.#halted !== null,
    }
    this.remote = new RemoteSide({
      ...shared,
      isUnread: (path) => !this.#hasBegun || this.local.changes.isPending(path),
      reader: this.#reader,
      server: this.server,
      outdated,
      peers: () => this.#peers,
      stored: () => this.announcer.push(),
      rescan: (path) => this.local.noticing.hint(path),
      lookAtAll: () => void this.local.noticing.rescan(),
    })
    this.local = new LocalSide({
      ...shared,
      claim: async () => (await this.#claim?.take()) ?? null,
      halted: (why) => this.#halt(why),
      sound: () => this.#sound(),
      scanned: () => (this.#hasBegun ? this.remote.applier.retry() : this.#begin()),
      suspect: (path) => this.scrub.scrubber.suspect(path),
      announced: (paths) => {
        this.announcer.push()
        for (const path of paths) this.#taken(index.entry(path))
        this.remote.applier.consider(paths)
      },
    })
    this.scrub = new ScrubSide({
      ...shared,
      lost: (path, root) => this.#lost(path, root),
      rescan: (path) => this.local.noticing.hint(path),
    })
    this.archive = new ArchiveKeeper(
      { ttlMs: () => this.settings.archiveTtlMs },
      { ...shared, rootTrouble: () => shared.guard.trouble(), takeNow: (path) => this.local.changes.takeNow(path) },
    )
    const rootIsSound = async () => (await shared.guard.trouble()) === null
    this.#finder = new ArchiveFinder({ ...shared, rootIsSound, found: (root) => this.server.changed(root) })
    this.whereabouts = new Whereabouts({
      ...needs,
      transfers: () => this.remote.downloader.transfers(),
      peers: () => this.peers(),
    })
  }

  /** Why the folder is halted, or null. */
  get halted(): string | null {
    return this.#halted
  }

  peers(): readonly Peer[] {
    return [...this.#peers]
  }

  /** Begins the first scan; what the records ask for is carried out after it, however late the root is there. */
  start(): void {
    void this.local.noticing.rescan().then(() => {
      if (!this.#hasBegun && this.#halted === null) this.#begin()
    })
    this.archive.start()
    this.scrub.scrubber.start()
  }

  /** The operator meant what the brake holds. Returns how many paths are let go. */
  async approve(): Promise<number> {
    const { deletions, overwrites } = this.local
    return (await overwrites.approve()) + (await deletions.approve()) + (await this.remote.removals.approve())
  }

  /**
   * The operator says that an image is whole although it does not look so, good although it has rotted, or what the
   * brake holds of it meant. False: no such file.
   */
  async approveFile(path: RelPath): Promise<boolean> {
    const { overwrites, deletions, changes, taker } = this.local
    const isReleased =
      (await deletions.approve(path)) + (await overwrites.approve(path)) + (await this.remote.removals.approve(path)) >
      0
    const stat = await this.#disk.stat(path)
    if (isReleased || stat?.kind !== 'file') return isReleased
    if (this.scrub.isRotten(path)) await changes.takeRot(path)
    await taker.approve(path, stat)
    await changes.takeNow(path)
    return true
  }

  /** The operator did not mean what the brake holds. Returns how many paths come back. */
  async discard(): Promise<number> {
    const { changes, overwrites, deletions } = this.local
    // Who may only read can keep what is here, but not make the others take it back.
    const mayWrite = this.settings.keys.sign !== null
    const back = mayWrite ? await changes.bringBack(this.remote.removals.release()) : 0
    return back + (await overwrites.discard()) + (await deletions.discard())
  }

  /** Ends what is under way; staging stays for the next start. */
  async close(): Promise<void> {
    const counted = this.archive.stop()
    await this.#finder.close()
    await this.scrub.scrubber.close()
    await this.local.close()
    await this.remote.close()
    this.#committer.flush()
    await counted
    this.stretches.close()
    this.#reader.close()
  }

  up(peer: Peer): void {
    this.#peers.add(peer)
    this.remote.records.greet(peer)
    this.remote.downloader.up(peer)
    this.stretches.up(peer)
    this.remote.small.up(peer)
  }

  down(peer: Peer): void {
    if (!this.#peers.delete(peer)) return
    this.announcer.gone(peer)
    this.server.gone(peer)
    this.stretches.down()
    this.remote.downloader.gone(peer)
    this.remote.small.gone(peer)
  }

  message(peer: Peer, message: FolderMessage): void {
    if (this.#isGivenUp) return
    switch (message.type) {
      case 'records':
        return this.remote.records.received(peer, message)
      case 'since':
        return this.announcer.asked(peer, message.after)
      case 'stored':
        return this.announcer.stored(peer, message.upTo)
      case 'want':
        this.server.wanted(peer, message.root, message.wanted)
        if (!message.wanted) this.stretches.noLongerWanted(message.root)
        return this.remote.downloader.receiversChanged(message.root)
      case 'small-want':
        this.server.wantedSmall(peer, message.roots, message.wanted)
        return message.wanted ? this.remote.small.receiverCame(peer, message.roots) : undefined
      case 'small-have':
        return this.remote.small.told(peer, message.roots)
      case 'have':
        if (message.have.all) this.remote.small.told(peer, [message.root])
        return this.remote.downloader.told(peer, message)
      case 'gained':
        return this.remote.downloader.told(peer, message)
      case 'stretch':
        return this.remote.early.told(peer, message.stretch)
      case 'where':
        return void this.whereabouts.answer(peer, message)
      case 'where-answer':
        return this.whereabouts.answered(message)
    }
  }

  servePieceList(root: RootHash): Uint8Array | null {
    return this.server.pieceList(root)
  }

  servePiece(root: RootHash, ordinal: number): ReturnType<PieceServer['piece']> {
    return this.server.piece(root, ordinal)
  }

  #begin(): void {
    this.#hasBegun = true
    this.#finder.start()
    void this.remote.start()
  }

  #guardOf({ keys, previous }: FolderSettings, needs: PoolFolderNeeds): RootGuard {
    const ours = { folder: keys.id, replica: needs.index.replica, previous: previous?.keys.id }
    return new RootGuard(ours, { ...needs, marked: () => this.#committer.commit(() => [{ op: 'marked' }]) })
  }

  #indexFailed(error: unknown): void {
    if (isDamage(error)) this.#giveUp('damaged', String(error))
    else if (isUnwritableIndex(error)) this.remote.space.indexFailed(error)
  }

  #giveUp(why: 'damaged' | 'outdated', detail: string): void {
    if (this.#isGivenUp) return
    this.#isGivenUp = true
    this.remote.pause(detail)
    for (const peer of this.#peers) this.announcer.gone(peer)
    this.#renewIndex(why, detail)
  }

  /** What a path held has rotted: it is fetched again, and nobody is to count on it. */
  #lost(path: RelPath, root: RootHash): void {
    this.server.changed(root)
    this.remote.applier.consider([path])
  }

  /** Others may have waited for a content that comes with a user's file, or was here before the index was. */
  #taken(entry: Entry | null): void {
    if (entry?.kind === 'file') this.server.changed(entry.root)
  }

  #halt(why: string): void {
    if (this.#halted === why) return
    this.#halted = why
    this.problems.set('halted', null, why)
    this.stretches.close()
    this.remote.pause(why)
    void this.#claim?.leave()
  }

  #sound(): void {
    if (this.#halted === null) return
    this.#halted = null
    this.problems.clear(null, 'halted')
    this.remote.resume()
  }

  #oldFile(size: number): OldFile {
    const { useArchive, archiveMaxFileBytes } = this.settings
    const keep = useArchive && (archiveMaxFileBytes === null || size <= archiveMaxFileBytes)
    return keep ? { to: 'archive', nowMs: this.#clock.now() } : { to: 'nowhere' }
  }
}
