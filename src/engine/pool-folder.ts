/**
 * One folder of the pool, put together: builds its parts in order and says who calls whom. It decides nothing; each
 * arrow below is a function that one part gets to call another.
 *
 *   noticing -> local changes -> committer -> announcer -> peers
 *   peers -> remote changes -> committer -> applier -> tree changes -> downloader -> peers
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type ContentPlace, type FolderIndex } from '../db/index-port.ts'
import { FsError, type OldFile, type OpenFile, type Root } from '../fs/root.ts'
import { type FolderHandlers, type FolderMessage, type Peer } from '../net/peer-port.ts'
import { type Hasher } from '../scan/hasher.ts'
import { type Scanner } from '../scan/scanner.ts'
import { type Sighting } from '../scan/sighting.ts'
import { reconcile } from '../sync/reconcile.ts'
import { Announcer } from './announcer.ts'
import { Applier } from './applier.ts'
import { ArchiveKeeper } from './archive-keeper.ts'
import { Committer } from './committer.ts'
import { ContentReader } from './content-reader.ts'
import { Deletions } from './deletions.ts'
import { DiskSpace } from './disk-space.ts'
import { Downloader } from './downloader.ts'
import { FileTaker } from './file-taker.ts'
import { type FolderSettings } from './folder-settings.ts'
import { LocalChanges } from './local-changes.ts'
import { LocalRecords } from './local-records.ts'
import { Noticing } from './noticing.ts'
import { PathLocks } from './path-locks.ts'
import { PieceLists } from './piece-lists.ts'
import { PieceServer } from './piece-server.ts'
import { ProblemList } from './problem-list.ts'
import { RemoteChanges } from './remote-changes.ts'
import { RootGuard } from './root-guard.ts'
import { Settling } from './settling.ts'
import { TreeChanges } from './tree-changes.ts'
import { WantedContents } from './wanted-contents.ts'
import { Whereabouts } from './whereabouts.ts'

/** What could not be carried out is tried again this often, besides after each scan. */
const RETRY_MS = 30_000
/** Paths looked at before others get a turn, when all are (after start). */
const BETWEEN_BREATHS = 500

export interface PoolFolderNeeds {
  readonly disk: Root
  readonly index: FolderIndex
  readonly hasher: Pick<Hasher, 'hash'>
  readonly scanner: Pick<Scanner, 'scanAll' | 'scanPath'>
  /** Opens a content's place in any folder of this host. */
  readonly openPlace: (place: ContentPlace) => Promise<OpenFile>
  readonly hasWriters: (file: OpenFile) => boolean | null
  readonly clock: Clock
  readonly log: Log
}

export class PoolFolder implements FolderHandlers {
  settings: FolderSettings
  readonly problems: ProblemList
  readonly archive: ArchiveKeeper
  readonly whereabouts: Whereabouts
  readonly noticing: Noticing
  readonly downloader: Downloader
  readonly taker: FileTaker
  readonly announcer: Announcer
  readonly server: PieceServer
  readonly applier: Applier
  readonly local: LocalChanges
  readonly wanted: WantedContents
  readonly #needs: PoolFolderNeeds
  readonly #peers = new Set<Peer>()
  readonly #committer: Committer
  readonly #reader: ContentReader
  readonly #remote: RemoteChanges
  readonly #settling: Settling
  readonly #space: DiskSpace
  #halted: string | null = null
  #cancelRetry: () => void = () => {}

  constructor(settings: FolderSettings, needs: PoolFolderNeeds) {
    this.settings = settings
    this.#needs = needs
    const { disk, index, clock, log } = needs
    const folder = settings.keys.id
    const locks = new PathLocks()
    const breathe = () => clock.sleep(0)
    const guard = new RootGuard({ folder, replica: index.replica }, { disk, index })
    const oldFile = (size: number) => this.#oldFile(size)
    this.problems = new ProblemList({ log })
    this.#committer = new Committer({ index, clock })
    this.announcer = new Announcer({ index })
    this.#reader = new ContentReader({ index, openPlace: needs.openPlace })
    this.server = new PieceServer({
      index,
      reader: this.#reader,
      growing: (root) => this.downloader.growing(root),
      clock,
    })
    const lists = new PieceLists({ index, committer: this.#committer, peers: (root) => this.#likely(root), clock, log })
    this.downloader = new Downloader({
      transfer: {
        disk,
        index,
        reader: this.#reader,
        pieceList: (root, size, signal) => lists.get(root, size, signal),
        breathe,
        elapsed: () => clock.elapsed(),
      },
      clock,
      log,
      peers: () => this.#peers,
      alsoWanting: (root) => this.server.alsoWanting(root),
      isNear: (peer) => settings.site === null || peer.site === null || peer.site === settings.site,
      gained: (root, ordinal) => this.server.gained(root, ordinal),
      whole: (root) => this.applier.consider(this.wanted.pathsOf(root)),
      failed: (root, error) => void this.#transferFailed(root, error),
      peersMayHave: () => lists.wake(),
    })
    this.wanted = new WantedContents({
      disk,
      downloader: this.downloader,
      consider: (paths) => this.applier.consider(paths),
      published: (root) => this.server.changed(root),
    })
    const tree = new TreeChanges({
      disk,
      index,
      committer: this.#committer,
      locks,
      contents: this.wanted,
      oldFile,
      clock,
      log,
    })
    this.applier = new Applier({
      index,
      locks,
      tree,
      problems: this.problems,
      rootIsSound: async () => (await guard.trouble()) === null,
      release: (path) => this.wanted.release(path),
      rescan: (path) => this.noticing.hint(path),
      diskFull: (error) => this.#space.full(error, null),
      log,
    })
    this.#space = new DiskSpace({
      disk,
      problems: this.problems,
      pause: (why) => this.#pause(why),
      resume: () => this.#resume(),
      clock,
    })
    this.#settling = new Settling({
      settleMs: () => this.settings.settleMs,
      clock,
      lookAgain: (path) => this.noticing.hint(path),
    })
    this.taker = new FileTaker({
      disk,
      hasher: needs.hasher,
      settling: this.#settling,
      problems: this.problems,
      hasWriters: needs.hasWriters,
    })
    const records = new LocalRecords({ folder, sign: settings.keys.sign }, { index, clock })
    const announced = (paths: readonly RelPath[]) => {
      this.announcer.push()
      this.applier.consider(paths)
    }
    const shared = { disk, index, records, committer: this.#committer, locks, problems: this.problems, announced, log }
    const deletions = new Deletions({
      ...shared,
      isComing: (inode) => this.#settling.hasInode(inode) || this.taker.hasInode(inode),
      rootIsSound: async () => (await guard.trouble()) === null,
      overwriteChanges: settings.overwriteChanges,
      clock,
    })
    this.local = new LocalChanges({
      ...shared,
      taker: this.taker,
      settling: this.#settling,
      deletions,
      lookAgain: (path) => this.noticing.hint(path),
      oldFile,
      overwriteChanges: settings.overwriteChanges,
    })
    this.noticing = new Noticing(
      { intervalMs: () => this.settings.rescanIntervalMs },
      {
        scanner: needs.scanner,
        sighted: (sighting) => this.#sighted(sighting),
        vanished: (path) => this.#settling.forget(path),
        rootTrouble: () => guard.trouble(),
        halted: (why) => this.#halt(why),
        sound: () => this.#sound(),
        scanned: () => this.applier.retry(),
        clock,
        log,
      },
    )
    this.#remote = new RemoteChanges(
      { folder },
      {
        index,
        committer: this.#committer,
        verify: (bytes, signature) => settings.keys.verify(bytes, signature),
        breathe,
        changed: (live, dead) => {
          this.announcer.push()
          this.applier.consider(live, dead)
        },
        log,
      },
    )
    this.archive = new ArchiveKeeper(
      { ttlMs: () => this.settings.archiveTtlMs },
      { disk, index, committer: this.#committer, locks, takeNow: (path) => this.local.takeNow(path), clock, log },
    )
    this.whereabouts = new Whereabouts({
      index,
      disk,
      transfers: () => this.downloader.transfers(),
      peers: () => [...this.#peers],
      clock,
    })
  }

  /** Why the folder is halted, or null. */
  get halted(): string | null {
    return this.#halted
  }

  get isDiskFull(): boolean {
    return this.#space.isFull
  }

  peers(): readonly Peer[] {
    return [...this.#peers]
  }

  /** Begins the first scan, and takes up what a former life left undone. */
  start(): void {
    void this.noticing.rescan().then(() => this.#considerAll())
    this.archive.start()
    this.#retryLater()
  }

  /** Ends what is under way; staging stays for the next start. */
  async close(): Promise<void> {
    this.#cancelRetry()
    this.#space.stop()
    this.archive.stop()
    await this.noticing.close()
    await this.local.close()
    await this.downloader.pause('stopping')
    await this.applier.close()
    this.#committer.flush()
    this.#reader.close()
  }

  up(peer: Peer): void {
    this.#peers.add(peer)
    this.#remote.greet(peer)
    this.downloader.up(peer)
  }

  down(peer: Peer): void {
    if (!this.#peers.delete(peer)) return
    this.announcer.gone(peer)
    this.server.gone(peer)
    this.downloader.gone(peer)
  }

  message(peer: Peer, message: FolderMessage): void {
    switch (message.type) {
      case 'records':
        return this.#remote.received(peer, message)
      case 'since':
        return this.announcer.asked(peer, message.after)
      case 'stored':
        return this.announcer.stored(peer, message.upTo)
      case 'want':
        this.server.wanted(peer, message.root, message.wanted)
        return this.downloader.receiversChanged(message.root)
      case 'have':
      case 'gained':
        return this.downloader.told(peer, message)
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

  #sighted(sighting: Sighting): void {
    if (this.#halted === null) this.local.sighted(sighting)
  }

  /** All paths whose entry and records differ: after a start, since no plan outlives a process. */
  async #considerAll(): Promise<void> {
    const { index, clock } = this.#needs
    const [live, dead]: [RelPath[], RelPath[]] = [[], []]
    let looked = 0
    for (const path of index.recordPaths()) {
      if (++looked % BETWEEN_BREATHS === 0) await clock.sleep(0)
      const decision = reconcile(index.entry(path), index.recordsOf(path))
      if (decision.do === 'archive') dead.push(path)
      else if (decision.do !== 'nothing') live.push(path)
    }
    this.applier.consider(live, dead)
    await this.applier.settled()
    await this.wanted.sweep()
  }

  /** Peers that may have the piece list: those that said they have some of the content, then the others. */
  #likely(root: RootHash): readonly Peer[] {
    const told = this.downloader.transfers().find((transfer) => transfer.root === root)
    return [...new Set([...(told?.sources() ?? []), ...this.#peers])]
  }

  async #transferFailed(root: RootHash, error: unknown): Promise<void> {
    const paths = this.wanted.pathsOf(root)
    const noSpace = error instanceof FsError && error.code === 'no-space'
    // After a failed write or fsync nobody knows what is on the disk: what was staged is not to be believed.
    if (error instanceof FsError && error.code === 'io') await this.#needs.disk.dropStaged(root).catch(() => undefined)
    for (const path of paths) this.applier.failed(path, error)
    if (noSpace) this.#space.full(error, this.downloader.waiting().get(root) ?? null)
  }

  #halt(why: string): void {
    if (this.#halted === why) return
    this.#halted = why
    this.problems.set('halted', null, why)
    this.#pause(why)
  }

  #sound(): void {
    if (this.#halted === null) return
    this.#halted = null
    this.problems.clear(null, 'halted')
    if (!this.#space.isFull) this.#resume()
  }

  #pause(why: string): void {
    this.applier.pause()
    void this.downloader.pause(why)
  }

  #resume(): void {
    if (this.#halted !== null) return
    this.downloader.resume()
    this.applier.resume()
  }

  #retryLater(): void {
    this.#cancelRetry = this.#needs.clock.after(RETRY_MS, () => {
      this.applier.retry()
      this.#retryLater()
    })
  }

  #oldFile(size: number): OldFile {
    const { useArchive, archiveMaxFileBytes } = this.settings
    const keep = useArchive && (archiveMaxFileBytes === null || size <= archiveMaxFileBytes)
    return keep ? { to: 'archive', nowMs: this.#needs.clock.now() } : { to: 'nowhere' }
  }
}
