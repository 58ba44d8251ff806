/**
 * One folder on the network: which of the connected hosts are its peers.
 *
 *     a connection to a host of this folder -> whoever dialled it opens a stream -> proof -> INTRO -> peer is up
 *     no proof -> tried again later (backoff.ts)      the stream ends -> peer is down, tried again
 *
 * Where two hosts have dialled each other, the one with the smaller peer id decides: it lets one proof go on at a
 * time, its own first, keeps the peer that is proven first, and tells the other stream that it is busy. Only a
 * connection that was made to take the place of an old one (renewal.ts) gets its peer.
 */
import { type Connection } from '@libp2p/interface'
import { type FolderId, type HostName, type ReplicaId } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type FolderKeys } from '../base/secret.ts'
import { backoffMs } from './backoff.ts'
import { trustMuxer } from './bounded-muxer.ts'
import { encodeFrame, type Intro } from './codec.ts'
import { drawLife } from './clone.ts'
import { FolderCopies } from './folder-copies.ts'
import { FolderSecrets } from './folder-secrets.ts'
import { type HostDialer } from './host-dialer.ts'
import { type HostStatus, hostStatus } from './host-status.ts'
import { KnownLines } from './known-lines.ts'
import { type Lanes } from './lanes.ts'
import * as limits from './limits.ts'
import { MessageStream } from './message-stream.ts'
import { type FolderHandlers } from './peer-port.ts'
import { type OldSecret } from './old-secret.ts'
import { PeerSession } from './peer-session.ts'
import { type PieceBuffers } from './piece-buffers.ts'
import {
  exchangeIntros,
  inTime,
  ProofFailed,
  proveAsAcceptor,
  proveAsOpener,
  type Proven,
  whyNoPeer,
} from './proof-exchange.ts'
import { makeHello, readHello, type Refusal } from './proof.ts'
import { type RateLimit } from './rate-limit.ts'
import { Setbacks } from './setbacks.ts'
import { TrafficByPeer } from './traffic.ts'

export const FOLDER_PROTOCOL = '/isosync/1/folder'

/** Whoever dialled opens the stream; if it has not by then, the other side does. */
const OPENING_GRACE_MS = 2_000

export interface FolderNetOptions {
  readonly keys: FolderKeys
  /** Of a secret that is being replaced: who has only that is a peer until it ends. */
  readonly previous: OldSecret | null
  readonly replica: ReplicaId
  readonly knownHostsOnly: boolean
  readonly deviceName: string
  readonly site: string | null
  readonly program: string
}

export interface FolderNetNeeds {
  readonly handlers: FolderHandlers
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly buffers: PieceBuffers
  readonly ourPeerId: Connection['remotePeer']
  readonly listeningPort: () => number
  readonly connectionsOf: (peerId: string) => readonly Connection[]
  /** Whether `connection` was made to take the place of `old`. */
  readonly succeeds: (connection: Connection, old: Connection) => boolean
  /** The limit for a peer of that site; null where it is exempt. */
  readonly limitFor: (direction: 'in' | 'out', site: string | null) => RateLimit | null
  /** A peer is proven on that connection: others to the same host may be closed. */
  readonly settled: (connection: Connection) => void
  readonly lanes: Pick<Lanes, 'to' | 'accept' | 'has'>
  /** That host is no longer a peer of this folder. */
  readonly left: (peerId: string) => void
}

export class FolderNet {
  readonly #options: FolderNetOptions
  readonly #needs: FolderNetNeeds
  readonly #sessions = new Map<string, PeerSession>()
  readonly #openings = new Map<string, Promise<void>>()
  readonly #acceptings = new Map<string, Promise<void>>()
  readonly #setbacks: Setbacks
  readonly #lines: KnownLines
  readonly #traffic: TrafficByPeer
  readonly #copies: FolderCopies
  readonly #secrets: FolderSecrets
  readonly #life = Buffer.from(drawLife()).toString('hex')
  #closed = false

  constructor(options: FolderNetOptions, needs: FolderNetNeeds) {
    this.#options = options
    this.#needs = needs
    this.#lines = new KnownLines(options)
    this.#setbacks = new Setbacks(needs)
    this.#traffic = new TrafficByPeer(needs)
    this.#copies = new FolderCopies({ ...needs, replica: options.replica, sessions: this.#sessions })
    const over = (id: FolderId) => this.#dropBackward(id)
    this.#secrets = new FolderSecrets(options.keys, options.previous, { clock: needs.clock, over })
  }

  get dialers(): readonly HostDialer[] {
    return this.#lines.dialers
  }

  setDialers(dialers: readonly HostDialer[]): void {
    this.#lines.set(dialers)
    for (const session of this.#sessions.values())
      if (!this.#lines.allows(session.host)) session.close('it is no longer in known_hosts')
  }

  peers(): readonly PeerSession[] {
    return [...this.#sessions.values()]
  }

  hosts(): readonly HostStatus[] {
    return this.dialers.map((dialer) => {
      const named = this.peers().find((peer) => peer.host === dialer.line)
      const session = this.#sessions.get(dialer.peerId ?? '') ?? named ?? null
      const peerId = session?.peerId ?? dialer.peerId ?? ''
      const trouble = this.#setbacks.trouble(peerId)
      return hostStatus({ dialer, session, trouble, traffic: this.#traffic.known(peerId) })
    })
  }

  isPeer(peerId: string): boolean {
    return this.#sessions.has(peerId)
  }

  laneOpened(peerId: string): void {
    this.#sessions.get(peerId)?.laneOpened()
  }

  /** The peer that may ask for pieces on `connection`: its own, or one that becomes a lane by that. */
  peerOn(connection: Connection): PeerSession | null {
    const session = this.#sessions.get(connection.remotePeer.toString())
    if (session === undefined) return null
    return session.connection === connection || this.#needs.lanes.accept(connection) ? session : null
  }

  close(): void {
    this.#closed = true
    this.#secrets.close()
    for (const session of [...this.#sessions.values()]) session.close('the daemon stops, or closes the folder')
  }

  /** Whether a stream for that folder id is ours to answer. */
  answersTo(id: FolderId): boolean {
    return this.#secrets.keysOf(id) !== null
  }

  #dropBackward(id: FolderId): void {
    for (const session of this.#sessions.values())
      if (session.folder === id)
        session.close('the time of its secret is over: give that host the new secret of this folder')
  }

  /** Opens a stream to the host behind `connection` if it may be a peer of this folder and is none yet. */
  consider(connection: Connection, graceIsOver = false): void {
    const peerId = connection.remotePeer.toString()
    if (this.#closed || connection.status !== 'open' || !this.#lines.mayLeadTo(connection)) return
    if (this.#needs.lanes.has(connection)) return
    if (this.#holds(peerId, connection) || this.#openings.has(peerId) || this.#acceptings.has(peerId)) return
    if (this.#setbacks.mustWait(peerId)) return
    if (connection.direction === 'inbound' && !graceIsOver) {
      this.#needs.clock.after(OPENING_GRACE_MS, () => this.consider(connection, true))
      return
    }
    const opening = this.#open(connection, peerId).finally(() => this.#openings.delete(peerId))
    this.#openings.set(peerId, opening)
  }

  /** Takes a stream that the host behind `connection` opened for this folder, with the HELLO that came on it. */
  async accept(connection: Connection, messages: MessageStream, hello: Uint8Array): Promise<void> {
    const peerId = connection.remotePeer.toString()
    if (this.#closed) return messages.close(new Error('not now'))
    if (this.#setbacks.isBanned(peerId)) return this.#refuse(messages, 'banned')
    if (this.#weDecide(connection) && (await this.#isTaken(peerId, connection))) {
      this.#refuse(messages, 'busy')
      return this.#settled(peerId)
    }
    const accepting = this.#accept(connection, messages, hello).finally(() => {
      if (this.#acceptings.get(peerId) === accepting) this.#acceptings.delete(peerId)
    })
    this.#acceptings.set(peerId, accepting)
    await accepting
  }

  #refuse(messages: MessageStream, refusal: Refusal): void {
    messages.send(makeHello(this.#options.keys.id, this.#options.keys.sign !== null, refusal))
    messages.finish(new Error(refusal))
  }

  async #open(connection: Connection, peerId: string): Promise<void> {
    let messages: MessageStream | null = null
    try {
      const stream = await connection.newStream([FOLDER_PROTOCOL], {
        signal: AbortSignal.timeout(limits.PROOF_TIMEOUT_MS),
      })
      messages = new MessageStream(stream, { count: this.counting(peerId) })
      const opened = messages
      await inTime(opened, this.#needs.clock, async () => {
        const keys = this.#secrets.keysFor(peerId)
        const proven = await proveAsOpener(opened, keys, this.#ends(connection))
        await this.#introduce(connection, opened, proven, keys)
      })
    } catch (error) {
      if (messages !== null) hangUp(messages, asError(error))
      this.#openingFailed(connection, peerId, asError(error))
    }
  }

  async #accept(connection: Connection, messages: MessageStream, hello: Uint8Array): Promise<void> {
    try {
      await inTime(messages, this.#needs.clock, async () => {
        const opening = readHello(hello)
        const keys = (typeof opening === 'string' ? null : this.#secrets.keysOf(opening.folder)) ?? this.#secrets.keys
        const proven = await proveAsAcceptor(messages, keys, this.#ends(connection), hello)
        await this.#introduce(connection, messages, proven, keys)
      })
    } catch (error) {
      hangUp(messages, asError(error))
      if (error instanceof ProofFailed) this.#failed(connection, error)
    }
  }

  /** Counts the bytes of messages to and from a host, for its rates and for the limits. */
  counting(peerId: string): (direction: 'in' | 'out', bytes: number) => void {
    const traffic = this.#traffic.of(peerId)
    return (direction, bytes) => {
      traffic.count(direction, bytes)
      this.#needs.limitFor(direction, this.#sessions.get(peerId)?.site ?? null)?.charge(bytes)
    }
  }

  async #introduce(connection: Connection, messages: MessageStream, proven: Proven, keys: FolderKeys): Promise<void> {
    messages.trust()
    trustMuxer(connection)
    const ours = { ...this.#options, listeningPort: this.#needs.listeningPort(), life: this.#life }
    const intro = await exchangeIntros(messages, ours)
    const host = this.#lines.hostOf(connection, intro.listeningPort)
    if (host === null) throw new ProofFailed('stranger', "no line of this folder's known_hosts leads to it")
    await this.#copies.refuse(connection.remotePeer.toString(), intro)
    if (!messages.ended && !this.#closed) this.#up(connection, messages, { ...proven, keys }, intro, host)
  }

  #up(
    connection: Connection,
    messages: MessageStream,
    proven: Proven & { keys: FolderKeys },
    intro: Intro,
    host: HostName,
  ): void {
    const peerId = connection.remotePeer.toString()
    this.#replace(this.#sessions.get(peerId), connection)
    this.#setbacks.proven(peerId)
    const { handlers, clock, buffers, limitFor, lanes } = this.#needs
    const session = new PeerSession(
      { folder: proven.keys.id, peerId, writer: proven.writer, intro },
      {
        host: () => this.#lines.lineOf(peerId) ?? host,
        connection,
        messages,
        handlers,
        clock,
        buffers,
        records: this.#secrets.translator(proven.keys),
        traffic: this.#traffic.of(peerId),
        limit: (direction) => limitFor(direction, intro.site),
        lanes: (roundTripMs) => lanes.to(peerId, roundTripMs),
        ended: (ended, reason) => this.#down(ended, reason),
        banned: (_session, reason) => this.#ban(peerId, host, reason),
      },
    )
    this.#sessions.set(peerId, session)
    const mode = proven.writer ? 'read-write' : 'read-only'
    this.#needs.log.info(
      { host, device: intro.deviceName, site: intro.site, folder: this.#shortId, mode },
      `${host} (${intro.deviceName}) is connected and has proven the ${mode} secret`,
    )
    handlers.up(session)
    session.start()
    this.#needs.settled(connection)
  }

  #replace(old: PeerSession | undefined, connection: Connection): void {
    if (old === undefined) return
    if (this.#needs.succeeds(connection, old.connection)) old.retire('its connection has been renewed')
    else old.close('replaced by a newer connection')
  }

  #down(session: PeerSession, reason: string): void {
    const { peerId, host } = session
    if (this.#sessions.get(peerId) === session) this.#sessions.delete(peerId)
    this.#secrets.forget(peerId)
    this.#needs.log.info({ host, folder: this.#shortId, reason }, `${host} is gone: ${reason}`)
    this.#needs.handlers.down(session, reason)
    this.#needs.left(peerId)
    this.#considerLater(peerId, backoffMs(1, this.#needs.random()))
  }

  #ban(peerId: string, host: HostName, why: string): void {
    this.#setbacks.ban(peerId, why)
    this.#needs.log.warn(
      { host, folder: this.#shortId },
      `${host} is shut out of this folder for an hour: ${why}. Look at that host; a restart of isosyncd here lets it in at once`,
    )
    this.#considerLater(peerId, limits.BAN_MS)
  }

  #openingFailed(connection: Connection, peerId: string, error: Error): void {
    if (this.#closed || this.#setbacks.isBanned(peerId)) return
    if (error instanceof ProofFailed && error.code === 'busy') return this.#considerLater(peerId, limits.KEEPALIVE_MS)
    if (connection.status !== 'open') return this.#considerLater(peerId, backoffMs(1, this.#needs.random()))
    this.#failed(connection, error)
  }

  #failed(connection: Connection, error: Error): void {
    const peerId = connection.remotePeer.toString()
    const why = whyNoPeer(error)
    const code = error instanceof ProofFailed ? error.code : null
    if (code === 'clone' && this.#sessions.has(peerId)) return this.#copies.called(connection, why, this.#shortId)
    const state = code === 'banned' || code === 'clone' ? code : 'wrong-secret'
    this.#secrets.tryOther(peerId)
    const { news, waitMs } = this.#setbacks.failed(peerId, why, state)
    this.#considerLater(peerId, waitMs)
    const host = this.#lines.shown(connection)
    const sentence = `${host} is connected, but no peer of folder ${this.#shortId}: ${why}; trying again by itself`
    if (news) this.#needs.log.warn({ host, folder: this.#shortId }, sentence)
  }

  #considerLater(peerId: string, ms: number): void {
    this.#needs.clock.after(ms, () => {
      for (const connection of this.#needs.connectionsOf(peerId)) this.consider(connection, true)
    })
  }

  /** Whether that peer has a connection that `connection` must not replace. */
  #holds(peerId: string, connection: Connection): boolean {
    const session = this.#sessions.get(peerId)
    return session !== undefined && !this.#needs.succeeds(connection, session.connection)
  }

  /** Whether a peer of ours that still answers is behind that id, or is being proven. Only the deciding side asks. */
  async #isTaken(peerId: string, connection: Connection): Promise<boolean> {
    await this.#openings.get(peerId)
    await this.#acceptings.get(peerId)
    const session = this.#sessions.get(peerId)
    if (session === undefined || !this.#holds(peerId, connection)) return false
    if (await session.isAlive()) return true
    session.close('it no longer answers, and has connected anew')
    return false
  }

  #settled(peerId: string): void {
    const session = this.#sessions.get(peerId)
    if (session !== undefined) this.#needs.settled(session.connection)
  }

  #weDecide(connection: Connection): boolean {
    return this.#needs.ourPeerId.toString() < connection.remotePeer.toString()
  }

  #ends(connection: Connection) {
    return {
      ourPeerId: this.#needs.ourPeerId.toMultihash().bytes,
      theirPeerId: connection.remotePeer.toMultihash().bytes,
    }
  }

  get #shortId(): string {
    return this.#options.keys.id.slice(0, 8)
  }
}

/** Of two that speak as one replica each is to see it: so our INTRO still goes out. */
function hangUp(messages: MessageStream, error: Error): void {
  if (!(error instanceof ProofFailed && error.code === 'clone')) return messages.close(error)
  if (!messages.ended) messages.send(encodeFrame({ type: 'goodbye', reason: error.message }))
  messages.finish(error)
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
