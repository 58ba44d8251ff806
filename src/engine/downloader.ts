/**
 * All transfers of a folder: which are under way, whom to ask for what. It never touches the tree: a content that is
 * whole in staging is the applier's to install.
 */
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { Lookout } from '../base/lookout.ts'
import { type FolderMessage, type Have, type Peer } from '../net/peer-port.ts'
import { type Wish } from '../sync/fetch-order.ts'
import { NOTHING } from '../sync/piece-set.ts'
import { FetchTurns } from './fetch-turns.ts'
import { ParkedContents } from './parked-contents.ts'
import { PieceRequests } from './piece-requests.ts'
import { type Growing } from './piece-server.ts'
import { hasAny, Transfer, type TransferNeeds } from './transfer.ts'
import { type TransferGoal } from './transfer-goal.ts'

/** How often to look for peers that have nothing to do although something is missing. */
const LOOK_FOR_IDLE_MS = 250
/** How often to look for contents that nobody has. */
const LOOK_FOR_HOPELESS_MS = 1_000
/** A peer that could not read a piece that it has is asked again after this. */
const ASK_REFUSER_MS = 5_000
/** What was asked for and does not come within this time is lost: two round trips around the world, and a full window. */
const LEAVE_MS = 2_000
const LOOK_WHETHER_CAME_MS = 5

export interface DownloaderNeeds {
  readonly transfer: TransferNeeds
  readonly clock: Clock
  readonly log: Log
  readonly peers: () => Iterable<Peer>
  /** Peers that fetch the same content: with them pieces are traded. */
  readonly alsoWanting: (root: RootHash) => ReadonlySet<Peer>
  /** Of our site (sync/nearness.ts). */
  readonly isNear: (peer: Peer) => boolean
  readonly gained: (root: RootHash, ordinal: number) => void
  /** What is fetched under this name. */
  readonly goalOf: (root: RootHash) => TransferGoal
  /** Contents that are whole and wait for their turn to be installed. */
  readonly toInstall: () => number
  /** A new peer may have piece lists. */
  readonly peersMayHave: () => void
  /** A peer has told what it has of a content whose piece list is looked for. */
  readonly listTold: (peer: Peer, have: Extract<FolderMessage, { type: 'have' }>) => void
}

export class Downloader {
  readonly #needs: DownloaderNeeds
  readonly #requests: PieceRequests
  readonly #active = new Map<RootHash, Transfer>()
  /** Of those, the ones that peers know to be wanted. */
  readonly #underWay = new Set<Transfer>()
  readonly #turns: FetchTurns
  readonly #parked = new ParkedContents()
  /** Those that a pause has stopped, until their files in staging are closed. */
  readonly #stopping = new Map<RootHash, Wish>()
  readonly #toAsk = new Set<Peer>()
  /** Peers that did not give a piece and are to be asked again. */
  readonly #refusers = new WeakMap<Transfer, Set<Peer>>()
  #cancelLook: (() => void) | null = null
  readonly #lookout: Lookout

  constructor(needs: DownloaderNeeds) {
    this.#needs = needs
    this.#lookout = new Lookout({
      everyMs: LOOK_FOR_HOPELESS_MS,
      look: () => this.#parkHopeless(),
      clock: needs.clock,
    })
    this.#turns = new FetchTurns({
      clock: needs.clock,
      underWay: () => this.#underWay,
      toInstall: needs.toInstall,
      begin: (root, wish) => this.#begin(root, wish),
    })
    this.#requests = new PieceRequests({
      clock: needs.clock,
      log: needs.log,
      got: (transfer, ordinal) => this.#got(transfer, ordinal),
      room: (peer) => this.#askPeer(peer),
      refused: (transfer, peer) => this.#askAgainLater(transfer, peer),
      failed: (transfer, error) => this.#failed(transfer, error),
    })
  }

  /** Starts, or goes on, fetching a content. */
  fetch(root: RootHash, wish: Wish): void {
    if (this.#active.has(root) || this.#parked.has(root) || this.#stopping.has(root)) return
    this.#turns.add(root, wish)
    this.#turns.next()
  }

  /** True when the content lies whole in staging. */
  isWhole(root: RootHash): boolean {
    return this.#active.get(root)?.state === 'whole'
  }

  /** The content has been installed, or is not wanted any more. Staging is the caller's to drop. */
  async drop(root: RootHash): Promise<void> {
    this.#turns.delete(root)
    this.#stopping.delete(root)
    if (this.#parked.drop(root)) this.#tellWant(root, false)
    await this.#end(this.#active.get(root), 'no longer wanted')
  }

  /** Asks for no more of it, and gives it up when what was asked for has come. Resolves to what there is then in staging. */
  async leave(root: RootHash): Promise<Have> {
    const { clock } = this.#needs
    const transfer = this.#active.get(root)
    transfer?.end()
    const end = clock.elapsed() + LEAVE_MS
    while (this.#isWaiting(transfer) && clock.elapsed() < end) await clock.sleep(LOOK_WHETHER_CAME_MS)
    const have = transfer?.have() ?? NOTHING
    await this.drop(root)
    return have
  }

  /** Whether some connected peer has some of what is missing; null while it waits for its turn. */
  isOffered(root: RootHash): boolean | null {
    return this.#active.get(root)?.isOffered ?? (this.#parked.has(root) ? false : null)
  }

  transfers(): readonly Transfer[] {
    return [...this.#active.values()]
  }

  /** Contents that no connected peer has had all of for a minute. */
  missing(): readonly RootHash[] {
    return this.#parked.missing(this.#needs.clock.elapsed())
  }

  growing(root: RootHash): Growing | null {
    return this.#active.get(root) ?? null
  }

  /** Stops all transfers, keeping what is in staging; `resume` takes them up again. */
  async pause(reason: string): Promise<void> {
    this.#turns.pause()
    this.#cancelLook?.()
    this.#cancelLook = null
    const unfinished = this.transfers().filter(({ state }) => state !== 'whole')
    await Promise.all(unfinished.map((transfer) => this.#stop(transfer, reason)))
    this.#turns.next() // it may have been resumed meanwhile
  }

  /** It may be dropped while its file in staging is being closed: then it does not come back. */
  async #stop(transfer: Transfer, reason: string): Promise<void> {
    this.#stopping.set(transfer.root, transfer)
    await this.#end(transfer, reason)
    if (this.#stopping.delete(transfer.root)) this.#turns.add(transfer.root, transfer)
  }

  resume(): void {
    this.#turns.resume()
  }

  up(peer: Peer): void {
    // What is whole and only waits to be installed is not wanted, and nobody would take that word back.
    for (const { root, state } of this.#active.values())
      if (state !== 'whole') peer.send({ type: 'want', root, wanted: true })
    for (const root of this.#parked.roots()) peer.send({ type: 'want', root, wanted: true })
    this.#needs.peersMayHave()
  }

  gone(peer: Peer): void {
    for (const transfer of this.#active.values()) transfer.peerGone(peer)
    this.#requests.gone(peer)
    for (const other of this.#needs.peers()) this.#askPeer(other)
  }

  told(peer: Peer, message: Extract<FolderMessage, { type: 'have' | 'gained' }>): void {
    const transfer = this.#active.get(message.root)
    if (transfer === undefined) return this.#takeUp(message)
    if (message.type === 'have') transfer.peerHas(peer, message.have)
    else transfer.peerGained(peer, message.ordinals)
    if (message.type === 'have' && transfer.state === 'listing') this.#needs.listTold(peer, message)
    this.#askPeer(peer)
  }

  /** A peer has begun, or ended, to fetch a content. */
  receiversChanged(root: RootHash): void {
    const transfer = this.#active.get(root)
    transfer?.picker?.setReceivers(
      [...this.#needs.alsoWanting(root)].map((peer) => ({ peer: peer.replica, near: this.#needs.isNear(peer) })),
    )
  }

  #begin(root: RootHash, wish: Wish): void {
    const transfer = new Transfer({ root, ...wish, goal: this.#needs.goalOf(root) }, this.#needs.transfer)
    this.#active.set(root, transfer)
    this.#underWay.add(transfer)
    this.#lookout.start()
    void this.#start(transfer)
  }

  async #start(transfer: Transfer): Promise<void> {
    this.#tellWant(transfer.root, true)
    try {
      await transfer.prepare()
    } catch (error) {
      return this.#failed(transfer, error)
    }
    this.#tellWhatLay(transfer)
    this.receiversChanged(transfer.root)
    if (transfer.picker?.missing === 0) return await this.#finish(transfer)
    for (const peer of transfer.sources()) this.#askPeer(peer)
    this.#lookForIdle()
  }

  /** Who wanted it too was told when nothing was known to lie here yet. */
  #tellWhatLay(transfer: Transfer): void {
    const { root } = transfer
    const have = transfer.have()
    if (hasAny(have)) for (const peer of this.#needs.alsoWanting(root)) peer.send({ type: 'have', root, have })
  }

  /** As long as something is missing: peers that could be asked and are not may have been passed over too early. */
  #lookForIdle(): void {
    this.#cancelLook ??= this.#needs.clock.after(LOOK_FOR_IDLE_MS, () => {
      this.#cancelLook = null
      if (!this.transfers().some((transfer) => transfer.picker !== null)) return
      for (const peer of this.#needs.peers()) this.#askPeer(peer)
      this.#lookForIdle()
    })
  }

  /** As long as something is under way: what nobody has makes room for what waits. */
  #parkHopeless(): boolean {
    const hopeless = this.#parked.look(this.transfers(), this.#needs.clock.elapsed())
    if (this.#turns.count > 0) for (const transfer of hopeless) this.#park(transfer)
    return this.#active.size > 0
  }

  /** Still wanted, and peers know it. */
  #park(transfer: Transfer): void {
    this.#active.delete(transfer.root)
    this.#requests.forget(transfer)
    this.#noLongerUnderWay(transfer)
    this.#parked.park(
      transfer,
      transfer.close('no connected host has it').catch(() => undefined),
    )
    this.#turns.next()
  }

  /** A peer has some of what nobody had: it is asked again what, when the transfer begins. */
  #takeUp({ root, ...told }: Extract<FolderMessage, { type: 'have' | 'gained' }>): void {
    if (!this.#parked.has(root) || (told.type === 'have' && !hasAny(told.have))) return
    void this.#parked.take(root).then((wish) => {
      if (wish !== null) this.fetch(root, wish)
    })
  }

  #got(transfer: Transfer, ordinal: number): void {
    this.#needs.gained(transfer.root, ordinal)
    if (transfer.picker?.missing === 0) void this.#finish(transfer)
  }

  async #finish(transfer: Transfer): Promise<void> {
    try {
      await transfer.finish()
    } catch (error) {
      return this.#failed(transfer, error)
    }
    if (!this.#takeBack(transfer)) return // dropped or stopped meanwhile: the next begins with what lies there
    transfer.goal.whole(transfer.root)
    this.#turns.next()
  }

  #failed(transfer: Transfer, error: unknown): void {
    if (transfer.signal.aborted || this.#active.get(transfer.root) !== transfer) return
    const { missingBytes } = transfer
    void this.#end(transfer, 'failed').then(() => transfer.goal.failed(transfer.root, error, missingBytes))
  }

  async #end(transfer: Transfer | undefined, reason: string): Promise<void> {
    if (transfer === undefined || this.#active.get(transfer.root) !== transfer) return
    this.#active.delete(transfer.root)
    this.#requests.forget(transfer)
    this.#takeBack(transfer)
    await transfer.close(reason).catch(() => undefined)
    this.#turns.next()
  }

  #isWaiting(transfer: Transfer | undefined): boolean {
    return transfer !== undefined && !transfer.signal.aborted && this.#requests.isWaiting(transfer)
  }

  /** It needs nothing from peers any more; false if that has been said before. */
  #takeBack(transfer: Transfer): boolean {
    if (!this.#noLongerUnderWay(transfer)) return false
    this.#tellWant(transfer.root, false)
    return true
  }

  #noLongerUnderWay(transfer: Transfer): boolean {
    const wasUnderWay = this.#underWay.delete(transfer)
    if (wasUnderWay) this.#turns.ended(transfer)
    return wasUnderWay
  }

  /** Soon: what has come in one breath is answered at once. */
  #askPeer(peer: Peer): void {
    if (this.#toAsk.size === 0) queueMicrotask(() => this.#askPeers())
    this.#toAsk.add(peer)
  }

  #askPeers(): void {
    const peers = [...this.#toAsk]
    this.#toAsk.clear()
    for (const peer of peers) this.#askNow(peer)
  }

  /** Asks the peer for what it has: by rank, then of the transfer that is nearest to its end. */
  #askNow(peer: Peer): void {
    if (!this.#requests.hasRoom(peer)) return
    const fetching = this.transfers().filter((transfer) => transfer.picker !== null)
    fetching.sort((a, b) => a.rank - b.rank || a.missingBytes - b.missingBytes)
    if (this.#requests.isIdle(peer)) for (const transfer of fetching) transfer.hasten(peer)
    for (const transfer of fetching) this.#requests.ask(transfer, peer)
  }

  /** It may have been unreadable for a moment: after a while the peer is asked anew what it has. */
  #askAgainLater(transfer: Transfer, peer: Peer): void {
    const refusers = this.#refusers.get(transfer) ?? new Set()
    if (refusers.has(peer)) return
    this.#refusers.set(transfer, refusers.add(peer))
    this.#needs.clock.after(ASK_REFUSER_MS, () => {
      refusers.delete(peer)
      if (this.#active.get(transfer.root) !== transfer || transfer.picker === null) return
      peer.send({ type: 'want', root: transfer.root, wanted: true })
    })
  }

  #tellWant(root: RootHash, wanted: boolean): void {
    for (const peer of this.#needs.peers()) peer.send({ type: 'want', root, wanted })
  }
}
