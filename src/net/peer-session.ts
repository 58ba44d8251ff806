/** A peer: a host connected and proven for one folder, from its INTRO to its end. */
import { type Connection, type Stream } from '@libp2p/interface'
import { type FolderId, type HostName, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { MuxerBreach } from './bounded-muxer.ts'
import { decodeFrame, encodeFrame, type Frame, type Intro } from './codec.ts'
import { Keepalive } from './keepalive.ts'
import * as limits from './limits.ts'
import { type MessageStream } from './message-stream.ts'
import { Owed } from './owed.ts'
import { type FolderHandlers, type FolderMessage, type Peer, PeerGone } from './peer-port.ts'
import { type PieceBuffers } from './piece-buffers.ts'
import { type PieceProviderNeeds } from './piece-provider.ts'
import { type AskingStream, PieceAsker } from './piece-asker.ts'
import { type PieceRequester, type Receive } from './piece-requester.ts'
import { openRequester } from './piece-streams.ts'
import { ProtocolError } from './record-codec.ts'
import { type RateLimit } from './rate-limit.ts'
import { type SignedRecord } from '../sync/record.ts'
import { tcpRoundTripMs } from './tcp-round-trip.ts'
import { type Traffic } from './traffic.ts'

/** A peer that is there answers within this time; one on the other side of the world too. */
const PROBE_MS = 3_000

/** Shorter than the time after which a connection without streams is closed. */
const RETIRE_MS = 2_000

/** What stands on the wire for records: another signature where the peer has only a secret that is being replaced. */
export interface RecordsOnTheWire {
  readonly said: (records: readonly SignedRecord[]) => readonly SignedRecord[]
  readonly heard: (records: readonly SignedRecord[]) => readonly SignedRecord[]
}

export interface PeerSessionOptions {
  readonly folder: FolderId
  readonly peerId: string
  readonly writer: boolean
  readonly intro: Intro
}

export interface PeerSessionNeeds {
  /** The line of known_hosts; may become better known with time. */
  readonly host: () => HostName
  readonly connection: Connection
  readonly messages: MessageStream
  readonly handlers: FolderHandlers
  readonly clock: Clock
  readonly traffic: Traffic
  readonly records: RecordsOnTheWire
  readonly buffers: PieceBuffers
  /** Null where this peer is exempt. */
  readonly limit: (direction: 'in' | 'out') => RateLimit | null
  /** The lanes to this peer, by its round trip. */
  readonly lanes: (roundTripMs: number) => ReadonlySet<Connection>
  readonly ended: (session: PeerSession, reason: string) => void
  readonly banned: (session: PeerSession, reason: string) => void
}

export class PeerSession implements Peer {
  readonly deviceName: string
  readonly replica: ReplicaId
  readonly life: string
  readonly writer: boolean
  readonly site: string | null
  readonly peerId: string
  readonly #folder: FolderId
  readonly #needs: PeerSessionNeeds
  readonly #keepalive: Keepalive
  /** Streams on which the peer asks for pieces. */
  readonly #pieceStreams = new Map<Stream, Connection>()
  readonly #asker: PieceAsker
  readonly #owed: Owed
  #ended = false

  constructor(options: PeerSessionOptions, needs: PeerSessionNeeds) {
    this.deviceName = options.intro.deviceName
    this.replica = options.intro.replica
    this.life = options.intro.life
    this.writer = options.writer
    this.site = options.intro.site
    this.peerId = options.peerId
    this.#folder = options.folder
    this.#needs = needs
    this.#owed = new Owed(needs)
    this.#keepalive = new Keepalive({
      clock: needs.clock,
      ping: (id) => this.#send({ type: 'ping', id }),
      tcpRoundTripMs: () => tcpRoundTripMs(needs.connection),
      dead: () => needs.connection.abort(new Error('no sign of life for 30 s')),
    })
    this.#asker = new PieceAsker({
      own: needs.connection,
      lanes: () => needs.lanes(this.rttMs()),
      rttMs: () => this.rttMs(),
      open: (connection, stream) => this.#openRequester(connection, stream),
      clock: needs.clock,
    })
  }

  /** From here on messages go to the handlers. */
  start(): void {
    const { messages } = this.#needs
    messages.onEnd((error) => {
      if (brokeProtocol(error)) this.#needs.banned(this, `it sent what it may not: ${error.message}`)
      this.#end(error.message)
    })
    messages.listen(limits.MAX_MESSAGE_BYTES, (bytes) => this.#take(decodeFrame(bytes)))
    if (!messages.ended) this.#keepalive.start()
  }

  get host(): HostName {
    return this.#needs.host()
  }

  /** The id by which the peer knows the folder. */
  get folder(): FolderId {
    return this.#folder
  }

  get connection(): Connection {
    return this.#needs.connection
  }

  rttMs(): number {
    return this.#keepalive.leastRttMs()
  }

  /** The last answer to a ping; NaN before the first. */
  lastRttMs(): number {
    return this.#keepalive.rttMs()
  }

  silentMs(): number {
    return this.#owed.silentMs()
  }

  send(message: FolderMessage): void {
    this.#send({ type: 'message', message: translated(message, this.#needs.records.said) })
  }

  async fetchPieceList(root: RootHash, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    this.#checkAskable(signal)
    return this.#asker.fetchPieceList(root, maxBytes, signal)
  }

  async fetchPieces(
    root: RootHash,
    ordinals: readonly number[],
    lengths: readonly number[],
    receive: Receive,
    signal: AbortSignal,
  ): Promise<void> {
    if (ordinals.length > limits.MAX_PIECES_PER_REQUEST)
      throw new RangeError(`a request is for at most ${limits.MAX_PIECES_PER_REQUEST} pieces`)
    if (ordinals.length === 0) return
    this.#checkAskable(signal)
    return this.#asker.fetchPieces(root, ordinals, lengths, receive, signal)
  }

  async fetchContents(
    roots: readonly RootHash[],
    lengths: readonly number[],
    receive: Receive,
    signal: AbortSignal,
  ): Promise<void> {
    if (roots.length > limits.MAX_SMALL_CONTENTS)
      throw new RangeError(`a request is for at most ${limits.MAX_SMALL_CONTENTS} contents`)
    if (roots.length === 0) return
    this.#checkAskable(signal)
    return this.#asker.fetchContents(roots, lengths, receive, signal)
  }

  /** There is a lane more. */
  laneOpened(): void {
    this.#asker.prepare()
  }

  ban(reason: string): void {
    if (this.#ended) return
    this.#needs.banned(this, reason)
    this.close(`shut out for an hour: ${reason}`)
  }

  /** Says why, and ends. */
  close(reason: string): void {
    if (this.#ended) return
    this.#send({ type: 'goodbye', reason })
    this.#needs.messages.finish(new Error(reason))
  }

  /** A newer connection has taken its place: what this one still serves may go on for a moment. */
  retire(reason: string): void {
    if (this.#ended) return
    this.#leave(reason)
    this.#needs.clock.after(RETIRE_MS, () => {
      this.#abortStreams(new PeerGone(reason))
      this.#needs.messages.finish(new Error(reason))
    })
  }

  /** Whether it still answers. */
  async isAlive(): Promise<boolean> {
    return !this.#ended && (await this.#keepalive.probe(PROBE_MS)) && !this.#ended
  }

  /** What is needed to serve a stream of pieces to this peer; null if it may not have another one there. */
  providing(stream: Stream, connection: Connection): Omit<PieceProviderNeeds, 'sink' | 'soon'> | null {
    const there = [...this.#pieceStreams.values()].filter((other) => other === connection)
    if (this.#ended || there.length >= limits.MAX_PIECE_STREAMS) return null
    this.#pieceStreams.set(stream, connection)
    stream.addEventListener('close', () => this.#pieceStreams.delete(stream))
    const { handlers, traffic } = this.#needs
    return {
      handlers,
      limit: () => this.#needs.limit('out'),
      countSent: (bytes) => traffic.count('out', bytes),
      readAheadBytes: () => Math.max(limits.MIN_LANE_BYTES, limits.MAX_READ_AHEAD_BYTES / this.#pieceStreams.size),
    }
  }

  #send(frame: Frame): void {
    if (!this.#ended) this.#needs.messages.send(encodeFrame(frame))
  }

  #take(frame: Frame): void {
    if (this.#ended) return
    this.#keepalive.heard()
    switch (frame.type) {
      case 'message':
        return this.#needs.handlers.message(this, translated(frame.message, this.#needs.records.heard))
      case 'ping':
        return this.#send({ type: 'pong', id: frame.id })
      case 'pong':
        this.#keepalive.pong(frame.id)
        return this.#asker.prepare()
      case 'goodbye':
        return this.#needs.messages.close(new Error(frame.reason))
    }
  }

  #checkAskable(signal: AbortSignal): void {
    signal.throwIfAborted()
    if (this.#ended) throw new PeerGone(`${this.host} is gone`)
  }

  async #openRequester(connection: Connection, asking: AskingStream): Promise<PieceRequester> {
    const { buffers, traffic, limit } = this.#needs
    try {
      return await openRequester(connection, this.#folder, {
        buffers,
        limit: () => limit('in'),
        creditBytes: asking.creditBytes,
        countReceived: (bytes) => {
          this.#keepalive.heard()
          asking.heard()
          traffic.count('in', bytes)
        },
        owed: this.#owed,
        ended: (error) => {
          asking.ended()
          if (brokeProtocol(error)) this.ban(`it sent what it may not: ${error.message}`)
        },
      })
    } catch (error) {
      throw new PeerGone(`${this.host} is gone`, { cause: error })
    }
  }

  #end(reason: string): void {
    this.#abortStreams(new PeerGone(`${this.host} is gone: ${reason}`))
    this.#leave(reason)
  }

  #leave(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#keepalive.stop()
    this.#asker.gone(new PeerGone(`${this.host} is gone: ${reason}`))
    this.#needs.ended(this, reason)
  }

  #abortStreams(gone: PeerGone): void {
    for (const stream of this.#pieceStreams.keys()) stream.abort(gone)
  }
}

/** Our own finding, not a reason that the other side gives. */
function brokeProtocol(error: Error): boolean {
  return error instanceof MuxerBreach || error instanceof ProtocolError
}

function translated(message: FolderMessage, translate: RecordsOnTheWire['said']): FolderMessage {
  return message.type === 'records' ? { ...message, records: translate(message.records) } : message
}
