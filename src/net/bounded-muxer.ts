/**
 * yamux, with bounds on what the other side may make us hold. The library gathers a frame of any declared length
 * before it compares it with the window, and answers every ping and every new stream into a queue without end. Here
 * a frame's length is looked at as soon as its header is there, answers are counted, and who reads none is cut off.
 *
 *     until a folder's secret is proven: small frames, few streams      afterwards (`trustMuxer`): the stream window
 */
import { type Connection, type MessageStream, type StreamMuxer, type StreamMuxerFactory } from '@libp2p/interface'
import { type Multiaddr } from '@multiformats/multiaddr'
import { yamux, type YamuxMuxerInit } from '@libp2p/yamux'
import { type Clock } from '../base/clock.ts'
import * as limits from './limits.ts'

const HEADER_BYTES = 12
const TYPE_AT = 1
const LENGTH_AT = 8
const DATA = 0
const PING = 2
const SYN = 1

/** The other side broke a bound of the connection itself. The message says how, for the operator. */
export class MuxerBreach extends Error {
  override readonly name = 'MuxerBreach'
}

/** What we use of the library's muxer and its decoder. */
interface Yamux {
  maxInboundStreams: number
  readonly decoder: {
    readonly buffer: { readonly byteLength: number; get(at: number): number; getUint32(at: number): number }
    readFrame(): unknown
  }
  handleFrame(frame: { readonly header: { type: number; flag: number } }): void
}

interface TcpConnection {
  readonly remoteAddr: Multiaddr
  readonly socket?: { readonly writableLength: number }
}

const guards = new WeakMap<StreamMuxer, MuxerGuard>()

export interface BoundedMuxerNeeds {
  readonly clock: Pick<Clock, 'elapsed'>
  /** Who is cut off, and why. */
  readonly breached: (remote: Multiaddr, breach: MuxerBreach) => void
}

export function boundedYamux(
  init: YamuxMuxerInit & { readonly windowBytes: number },
  needs: BoundedMuxerNeeds,
): () => StreamMuxerFactory {
  return () => {
    const factory = yamux(init)()
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => {
      const created = create(connection)
      const muxer = created as unknown as Yamux
      const tcp = transportOf(connection)
      const guardNeeds = {
        clock: needs.clock,
        unsentBytes: () => tcp.socket?.writableLength ?? 0,
        breached: (breach: MuxerBreach) => needs.breached(tcp.remoteAddr, breach),
      }
      guards.set(created, new MuxerGuard({ muxer, trustedFrameBytes: init.windowBytes }, guardNeeds))
      return created
    }
    return factory
  }
}

/** The other end of `connection` has proven the secret of a folder: it may send what a peer sends. */
export function trustMuxer(connection: Connection): void {
  const { muxer } = connection as { muxer?: StreamMuxer }
  if (muxer !== undefined) guards.get(muxer)?.trust()
}

interface MuxerGuardNeeds {
  readonly clock: Pick<Clock, 'elapsed'>
  /** What waits in the socket for the other side to read. */
  readonly unsentBytes: () => number
  readonly breached: (breach: MuxerBreach) => void
}

class MuxerGuard {
  readonly #muxer: Yamux
  readonly #trustedFrameBytes: number
  readonly #needs: MuxerGuardNeeds
  #frameBytes = limits.MAX_UNPROVEN_MUXER_FRAME_BYTES
  #unsentBytes = limits.MAX_UNPROVEN_UNREAD_BYTES
  #answersLeft = limits.MAX_ANSWERS_AT_ONCE
  #countedMs: number

  constructor(options: { muxer: Yamux; trustedFrameBytes: number }, needs: MuxerGuardNeeds) {
    this.#muxer = options.muxer
    this.#trustedFrameBytes = options.trustedFrameBytes
    this.#needs = needs
    this.#countedMs = needs.clock.elapsed()
    options.muxer.maxInboundStreams = limits.MAX_PROOFS_PER_CONNECTION
    this.#watch(options.muxer)
  }

  trust(): void {
    this.#frameBytes = this.#trustedFrameBytes
    this.#unsentBytes = limits.MAX_UNREAD_BYTES
    this.#muxer.maxInboundStreams = limits.MAX_STREAMS_PER_CONNECTION
  }

  #watch(muxer: Yamux): void {
    const { decoder } = muxer
    const readFrame = decoder.readFrame.bind(decoder)
    decoder.readFrame = () => {
      this.#checkLength(decoder.buffer)
      return readFrame()
    }
    const handleFrame = muxer.handleFrame.bind(muxer)
    muxer.handleFrame = (frame) => {
      const { type, flag } = frame.header
      if (type === PING || (flag & SYN) !== 0) this.#countAnswer()
      handleFrame(frame)
    }
  }

  #checkLength(buffer: Yamux['decoder']['buffer']): void {
    if (buffer.byteLength < HEADER_BYTES || buffer.get(TYPE_AT) !== DATA) return
    const length = buffer.getUint32(LENGTH_AT)
    if (length > this.#frameBytes)
      this.#refuse(`it announced a frame of ${length} bytes, where ${this.#frameBytes} are allowed`)
  }

  /** Pings and new streams are answered: at no more than a rate, and only while the answers are read. */
  #countAnswer(): void {
    const now = this.#needs.clock.elapsed()
    const earned = ((now - this.#countedMs) / 1000) * limits.MAX_ANSWERS_PER_SECOND
    this.#answersLeft = Math.min(limits.MAX_ANSWERS_AT_ONCE, this.#answersLeft + earned) - 1
    this.#countedMs = now
    if (this.#answersLeft < 0) this.#refuse('it sent pings or opened streams without end')
    if (this.#needs.unsentBytes() > this.#unsentBytes) this.#refuse('it goes on asking, and does not read the answers')
  }

  /** What is thrown while a frame is taken ends the connection. */
  #refuse(why: string): never {
    const breach = new MuxerBreach(why)
    this.#needs.breached(breach)
    throw breach
  }
}

/** The TCP connection below the encrypted one. */
function transportOf(connection: MessageStream): TcpConnection {
  let layer = connection as { stream?: MessageStream }
  while (layer.stream !== undefined) layer = layer.stream as typeof layer
  return layer as TcpConnection
}
