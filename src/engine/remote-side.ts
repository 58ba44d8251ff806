/**
 * The other half of a folder, put together: from a peer's records to the tree on this disk.
 *
 *   peers -> remote changes -> committer -> applier -> tree changes -> downloader -> peers
 */
import PQueue from 'p-queue'
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type OldFile, type Root } from '../fs/root.ts'
import { type Peer } from '../net/peer-port.ts'
import { isNear } from '../sync/nearness.ts'
import { reconcile } from '../sync/reconcile.ts'
import { signedBytes } from '../sync/record-bytes.ts'
import { type SignedRecord } from '../sync/record.ts'
import { Applier } from './applier.ts'
import { Brake, type HeldAs, type Loss } from './brake.ts'
import { type Committer } from './committer.ts'
import { ContentGoal } from './content-goal.ts'
import { type ContentReader } from './content-reader.ts'
import { DiskSpace } from './disk-space.ts'
import { Downloader } from './downloader.ts'
import { EarlyPieces } from './early-pieces.ts'
import { type FolderSettings, lossLimits } from './folder-settings.ts'
import { type PathLocks } from './path-locks.ts'
import { PieceLists } from './piece-lists.ts'
import { type PieceServer } from './piece-server.ts'
import { type ProblemList } from './problem-list.ts'
import { Removals } from './removals.ts'
import { RemoteChanges } from './remote-changes.ts'
import { type RootGuard } from './root-guard.ts'
import { SmallFetches } from './small-fetches.ts'
import { type Transfer, type TransferNeeds } from './transfer.ts'
import { TreeChanges } from './tree-changes.ts'
import { WantedContents } from './wanted-contents.ts'

/** What could not be carried out is tried again this often, besides after each scan. */
const RETRY_MS = 30_000
/**
 * So many paths that want something: records of more are taken when there are fewer. Several seconds of work; and what was read
 * of a path to fetch it is still remembered (db/remembered.ts) when its content has come,
 */
const MOST_WANTED = 5_000
/** or after so long: what is wanted may be to be had of nobody, and others go on. */
const WAIT_FOR_ROOM_MS = 1_000
const LOOK_FOR_ROOM_MS = 20
/** More than any file has (limits.MAX_ORDINAL in the smallest pieces). */
const MOST_BYTES = 2 ** 47
/** Paths looked at before others get a turn, when all are (after start). */
const BETWEEN_BREATHS = 500

/** Losses that are not carried out before the operator has spoken. Who may only read cannot tell others anything. */
function heldAs(mayWrite: boolean): Record<Loss, HeldAs> {
  const ifNot = mayWrite
    ? '`isosyncd discard` brings back on all hosts what is here'
    : 'bring them back on a host that has the read-write secret'
  const toDo = `If that was meant, say \`isosyncd approve\`; if not, ${ifNot}`
  return {
    deleted: {
      kind: 'held-removals',
      sentence: (held, files) => `other hosts deleted ${held} of ${files} files in one go: they are kept here. ${toDo}`,
    },
    replaced: {
      kind: 'held-changes',
      sentence: (held, files) =>
        `other hosts gave ${held} of ${files} files another content in one go: what is here stays for now. ${toDo}`,
    },
  }
}

export interface RemoteSideNeeds {
  readonly settings: () => FolderSettings
  readonly disk: Root
  readonly index: FolderIndex
  readonly committer: Committer
  readonly locks: PathLocks
  readonly problems: ProblemList
  readonly guard: RootGuard
  readonly reader: ContentReader
  readonly server: PieceServer
  readonly peers: () => ReadonlySet<Peer>
  readonly oldFile: (size: number) => OldFile
  readonly isHalted: () => boolean
  /** What stands at the path, if anything does, is still to be looked at or read. */
  readonly isUnread: (path: RelPath) => boolean
  /** The pool knows more of what this index said than the index itself. */
  readonly outdated: (why: string) => void
  /** Records have been stored: push them on. */
  readonly stored: () => void
  /** The disk shows something else than the index knows at this path. */
  readonly rescan: (path: RelPath) => void
  readonly lookAtAll: () => void
  readonly indexTakesWrites?: () => Promise<boolean>
  readonly clock: Clock
  readonly log: Log
}

export class RemoteSide {
  readonly records: RemoteChanges
  readonly downloader: Downloader
  readonly early: EarlyPieces
  readonly small: SmallFetches
  readonly wanted: WantedContents
  readonly applier: Applier
  readonly removals: Removals
  readonly space: DiskSpace
  readonly #needs: RemoteSideNeeds
  #cancelRetry: () => void = () => {}

  constructor(needs: RemoteSideNeeds) {
    this.#needs = needs
    const { settings, disk, index, guard, server, clock } = needs
    const { keys, site } = settings()
    const breathe = () => clock.sleep(0)
    const isNearPeer = (peer: Peer) => isNear(site, { site: peer.site, rttMs: peer.rttMs() })
    const checks = new PQueue({ concurrency: 1 })
    const inTurn: TransferNeeds['inTurn'] = (transfer, check) => checks.add(check, { priority: -turnOf(transfer) })
    const lists = new PieceLists({ ...needs, peers: (root) => this.#likely(root) })
    const rankOf = (path: RelPath) => needs.settings().rankOf?.(path) ?? 0
    const comingBytes = () => this.downloader.transfers().reduce((sum, transfer) => sum + transfer.comingBytes, 0)
    this.downloader = new Downloader({
      ...needs,
      transfer: {
        ...needs,
        makeRoom: () => this.early.makeRoom(),
        breathe,
        inTurn,
        sleep: (ms, signal) => clock.sleep(ms, signal),
        comingBytes,
        elapsed: () => clock.elapsed(),
      },
      alsoWanting: (root) => server.alsoWanting(root),
      isNear: isNearPeer,
      gained: (root, ordinal) => server.gained(root, ordinal),
      goalOf: (name) => (this.early.fileOf(name) === null ? contents : this.early),
      toInstall: () => this.applier.toInstall,
      peersMayHave: () => lists.wake(),
      listTold: (peer, { root, list }) => lists.told(peer, root, list ?? null),
    })
    this.early = new EarlyPieces({
      ...needs,
      downloader: this.downloader,
      comingBytes,
      mayFetch: () => !needs.isHalted() && !this.space.isFull,
      rankOf,
    })
    this.small = new SmallFetches({
      ...needs,
      alsoWanting: (root) => server.alsoWanting(root),
      isNear: isNearPeer,
      whole: (root, bytes) => {
        server.came(root, bytes)
        contents.whole(root)
      },
      failed: (root, error, missingBytes) => contents.failed(root, error, missingBytes),
    })
    this.wanted = new WantedContents({
      disk,
      downloader: this.downloader,
      small: this.small,
      isStagedEarly: (name) => this.early.isStaged(name),
      rankOf,
      consider: (paths) => this.applier.consider(paths),
      published: (root) => server.changed(root),
    })
    this.space = new DiskSpace({ ...needs, pause: (why) => this.pause(why), resume: () => this.resume() })
    this.applier = new Applier({
      ...needs,
      tree: new TreeChanges({ ...needs, contents: this.wanted }),
      rootIsSound: async () => (await guard.trouble()) === null,
      isHeld: (path) => this.removals.isHeld(path),
      isWanted: (path) => this.wanted.rootFor(path) !== null,
      wantedBelow: (path) => this.wanted.below(path),
      release: (path) => this.wanted.release(path),
      diskFull: (path, error) => this.space.full(path, error, null),
    })
    const contents = new ContentGoal({
      disk,
      lists,
      early: this.early,
      wanted: this.wanted,
      applier: this.applier,
      space: this.space,
    })
    this.removals = new Removals({
      ...needs,
      applier: this.applier,
      brake: new Brake(heldAs(keys.sign !== null), {
        ...needs,
        limits: () => lossLimits(settings()),
        files: () => index.counts().files,
      }),
    })
    this.records = new RemoteChanges(
      { folder: keys.id },
      {
        ...needs,
        index,
        verify: (bytes, signature) => keys.verify(bytes, signature),
        ...oldSecretOf(settings(), needs.clock),
        breathe,
        room: () => (this.wanted.count < MOST_WANTED ? undefined : this.#waitForRoom()),
        changed: (live, dead) => {
          needs.stored()
          void this.removals.consider(live, dead)
        },
      },
    )
  }

  /** Takes up what a former life left undone; no plan outlives a process. */
  async start(): Promise<void> {
    this.#retryLater()
    const { index, clock } = this.#needs
    const [live, dead]: [RelPath[], RelPath[]] = [[], []]
    let looked = 0
    for (const path of index.recordPaths()) {
      if (++looked % BETWEEN_BREATHS === 0) await clock.sleep(0)
      const decision = reconcile(index.entry(path), index.recordsOf(path))
      if (decision.do === 'archive') dead.push(path)
      else if (decision.do !== 'nothing') live.push(path)
    }
    await this.removals.consider(live, dead)
    await this.applier.settled()
    await this.wanted.sweep()
  }

  async close(): Promise<void> {
    this.#cancelRetry()
    this.space.stop()
    this.small.pause()
    await this.early.giveUpAll()
    await this.downloader.pause('stopping')
    await this.applier.close()
  }

  pause(why: string): void {
    this.applier.pause()
    this.small.pause()
    void this.early.giveUpAll()
    void this.downloader.pause(why)
  }

  /** Goes on, unless the folder is halted or its disk full. */
  resume(): void {
    if (this.#needs.isHalted() || this.space.isFull) return
    void this.wanted.sweep() // what could not be dropped while the disk was away
    this.downloader.resume()
    this.small.resume()
    this.applier.resume()
  }

  async #waitForRoom(): Promise<void> {
    const { clock } = this.#needs
    const end = clock.elapsed() + WAIT_FOR_ROOM_MS
    while (this.wanted.count >= MOST_WANTED && clock.elapsed() < end) await clock.sleep(LOOK_FOR_ROOM_MS)
  }

  /** Peers that may have the piece list: those that said they have some of the content, then the others. */
  #likely(root: RootHash): readonly Peer[] {
    const transfer = this.downloader.transfers().find((t) => t.root === root)
    return [...new Set([...(transfer?.sources() ?? []), ...this.#needs.peers()])]
  }

  #retryLater(): void {
    this.#cancelRetry = this.#needs.clock.after(RETRY_MS, () => {
      this.applier.retry()
      this.#retryLater()
    })
  }
}

/** By rank, and of one rank the smallest first. */
function turnOf({ rank, size }: Pick<Transfer, 'rank' | 'size'>): number {
  return rank * MOST_BYTES + size
}

/** Nothing where no secret is being replaced. */
function oldSecretOf({ previous }: FolderSettings, clock: Pick<Clock, 'now'>) {
  if (previous === null || previous === undefined) return {}
  const { keys, untilMs } = previous
  const isOfOldSecret = (record: SignedRecord) =>
    clock.now() < untilMs && keys.verify(signedBytes(keys.id, record), record.signature)
  return { isOfOldSecret }
}
