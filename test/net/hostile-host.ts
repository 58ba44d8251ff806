/** A host that has the network's and, if told so, the folder's secret, and then says on the wire whatever it likes. */
import { type Socket } from 'node:net'
import { type Connection, type Libp2p, type MessageStream as RawStream, type Stream } from '@libp2p/interface'
import { type FolderKeys } from '../../src/base/secret.ts'
import { dialAddress } from '../../src/net/address.ts'
import { FOLDER_PROTOCOL } from '../../src/net/folder-net.ts'
import { decodeFrame, encodeFrame, type Frame } from '../../src/net/codec.ts'
import { MAX_MESSAGE_BYTES } from '../../src/net/limits.ts'
import { MessageStream } from '../../src/net/message-stream.ts'
import { createNode, identityFrom } from '../../src/net/node.ts'
import { PIECES_PROTOCOL } from '../../src/net/piece-streams.ts'
import { exchangeIntros, proveAsOpener } from '../../src/net/proof-exchange.ts'
import { bareNeeds, replicaOf } from './test-host.ts'

const DATA = 0
const PING = 2
const SYN = 1

/** What we reach into of libp2p's connection. */
interface Insides {
  readonly muxer: { send(bytes: Uint8Array): boolean; readonly maConn: RawStream }
  readonly maConn: { readonly socket: Socket }
}

export class HostileHost implements AsyncDisposable {
  readonly node: Libp2p
  readonly #n: number
  private constructor(node: Libp2p, n: number) {
    this.node = node
    this.#n = n
  }

  /** `n`: last byte of its address on 127.0.0.x, and its identity. */
  static async start(n: number, serve?: (stream: Stream) => void): Promise<HostileHost> {
    const identity = await identityFrom(new Uint8Array(32).fill(n))
    const options = { listenPort: 0, listenAddresses: [`127.0.0.${n}`], identity, networkSecret: null }
    const node = await createNode(options, bareNeeds)
    if (serve !== undefined) await node.handle(PIECES_PROTOCOL, serve)
    await node.start()
    return new HostileHost(node, n)
  }

  /** A connection to `address`:`port`, not proven. */
  async connect(port: number, address = '127.0.0.1'): Promise<HostileConnection> {
    return new HostileConnection(await this.node.dial(dialAddress(address, port)), this.node, this.#n)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.stop()
  }
}

export class HostileConnection {
  readonly connection: Connection
  readonly closed: Promise<void>
  readonly #node: Libp2p
  readonly #n: number

  constructor(connection: Connection, node: Libp2p, n: number) {
    this.connection = connection
    this.#node = node
    this.#n = n
    this.closed = new Promise((resolve) => connection.addEventListener('close', () => resolve()))
  }

  /** Becomes a peer, and gives the stream of messages. */
  async prove(keys: FolderKeys, hear: (frame: Frame) => void = () => {}): Promise<MessageStream> {
    const messages = new MessageStream(await this.open(FOLDER_PROTOCOL), { count: () => {} })
    const ends = {
      ourPeerId: this.#node.peerId.toMultihash().bytes,
      theirPeerId: this.connection.remotePeer.toMultihash().bytes,
    }
    await proveAsOpener(messages, keys, ends)
    messages.trust()
    const replica = replicaOf(this.#n)
    await exchangeIntros(messages, {
      deviceName: 'hostile',
      site: null,
      replica,
      listeningPort: 1,
      program: 'hostile',
      life: '00',
    })
    messages.listen(MAX_MESSAGE_BYTES, (bytes) => hear(decodeFrame(bytes)))
    return messages
  }

  open(protocol: string): Promise<Stream> {
    return this.connection.newStream([protocol])
  }

  /** Bytes to yamux itself, encrypted as any. */
  raw(bytes: Uint8Array): void {
    if (this.connection.status === 'open') this.#insides.muxer.send(bytes)
  }

  /** The header of a frame of `length` bytes, and no frame. */
  announce(length: number, streamId = 1): void {
    this.raw(header(DATA, SYN, streamId, length))
  }

  pings(count: number): void {
    this.raw(Buffer.concat(Array.from({ length: count }, (_, i) => header(PING, SYN, 0, i))))
  }

  stopReading(): void {
    this.#insides.maConn.socket.pause()
  }

  /** Reads again after a while, so as to hear that the connection has ended. */
  resumeReadingSoon(): void {
    setTimeout(() => this.#insides.maConn.socket.resume(), 1_000)
  }

  get #insides(): Insides {
    return this.connection as unknown as Insides
  }
}

export function say(messages: MessageStream, frame: Frame): void {
  messages.send(encodeFrame(frame))
}

function header(type: number, flag: number, streamId: number, length: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes[1] = type
  bytes.writeUInt16BE(flag, 2)
  bytes.writeUInt32BE(streamId, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}
