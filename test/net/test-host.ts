/** Real hosts on 127.0.0.x with a handler that keeps what comes, and ways to wait for it. */
import { once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { type HostName, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import { Redacted } from '../../src/base/redacted.ts'
import { type FolderKeys, generateSecret, parseSecret } from '../../src/base/secret.ts'
import { type HostState, type HostStatus } from '../../src/net/host-status.ts'
import { type FolderLink, type Network, startNetwork } from '../../src/net/network.ts'
import { type NodeNeeds } from '../../src/net/node.ts'
import { type FolderHandlers, type FolderMessage, type Peer, type ServedPiece } from '../../src/net/peer-port.ts'

export const SECRET = generateSecret()
export const ROOT = 'cd'.repeat(32) as RootHash
/** A test that waits longer has failed. */
const PATIENCE_MS = 20_000

export function keysOf(secret: string): FolderKeys {
  const keys = parseSecret(secret)
  if (typeof keys === 'string') throw new Error(keys)
  return keys
}

/** What a bare node needs that lets everybody in and says nothing. */
export const bareNeeds: NodeNeeds = {
  admits: async () => true,
  clock: systemClock,
  handshakes: { watch: (encrypter) => encrypter },
  breached: () => {},
}

export interface HostOptions {
  /** Last byte of its address on 127.0.0.x, and its identity. */
  readonly n: number
  /** Another host whose identity, or whose index, it has. */
  readonly identityOf?: number
  readonly indexOf?: number
  readonly secret?: string
  readonly networkSecret?: string
  readonly knownHosts?: readonly string[]
  readonly knownHostsOnly?: boolean
  readonly site?: string
  readonly port?: number
  readonly upload?: number
  readonly resolve?: (name: string) => Promise<readonly string[]>
  readonly servePiece?: (ordinal: number, root: RootHash) => Promise<ServedPiece | null>
  readonly servePieceList?: () => Uint8Array | null
  readonly clock?: Clock
}

export class TestHost {
  readonly network: Network
  readonly link: FolderLink
  readonly events: string[] = []
  readonly peers = new Set<Peer>()
  readonly messages: { peer: Peer; message: FolderMessage }[] = []
  readonly logged: string[]
  readonly #n: number
  #wake: () => void = () => {}

  private constructor(options: HostOptions, network: Network, logged: string[]) {
    this.#n = options.n
    this.network = network
    this.logged = logged
    this.link = network.openFolder({
      keys: keysOf(options.secret ?? SECRET),
      knownHosts: options.knownHosts ?? [],
      replica: replicaOf(options.indexOf ?? options.n),
      handlers: this.#handlers(options),
    })
  }

  static async start(options: HostOptions): Promise<TestHost> {
    const logged: string[] = []
    const keep = (_fields: object, sentence: string) => void logged.push(sentence)
    const log: Log = { ...silentLog, info: keep, warn: keep, error: keep }
    const clock = options.clock ?? systemClock
    const network = await startNetwork(
      {
        listenPort: options.port ?? 0,
        listenAddresses: [`127.0.0.${options.n}`],
        identity: new Uint8Array(32).fill(options.identityOf ?? options.n),
        networkSecret: options.networkSecret === undefined ? null : new Redacted(options.networkSecret),
        knownHostsOnly: options.knownHostsOnly ?? true,
        uploadBytesPerSecond: options.upload ?? 0,
        downloadBytesPerSecond: 0,
        limitLocalPeers: false,
        deviceName: `device ${options.n}`,
        site: options.site ?? null,
      },
      { clock, log, ...(options.resolve === undefined ? {} : { resolve: options.resolve }) },
    )
    return new TestHost(options, network, logged)
  }

  /** As others list it. */
  get line(): HostName {
    return `127.0.0.${this.#n}:${this.network.port}` as HostName
  }

  /** Resolves when `condition` gives something, looked at whenever anything has happened. */
  async until<T>(condition: () => T | null | undefined | false): Promise<T> {
    const giveUp = performance.now() + PATIENCE_MS
    for (;;) {
      const found = condition()
      if (found !== null && found !== undefined && found !== false) return found
      if (performance.now() > giveUp)
        throw new Error(`waited in vain for ${condition.toString()}; seen: ${this.events.join(', ')}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        setTimeout(resolve, 20)
      })
    }
  }

  peer(): Promise<Peer> {
    return this.until(() => [...this.peers][0])
  }

  status(line: string): HostStatus {
    const found = this.link.hosts().find((host) => host.host === line)
    if (found === undefined) throw new Error(`${line} is not listed`)
    return found
  }

  untilState(line: string, state: HostState): Promise<HostStatus> {
    return this.until(() => this.status(line).state === state && this.status(line))
  }

  close(): Promise<void> {
    return this.network.close()
  }

  #handlers(options: HostOptions): FolderHandlers {
    return {
      up: (peer) => {
        this.peers.add(peer)
        this.#saw(`up ${peer.host}`)
      },
      down: (peer, reason) => {
        this.peers.delete(peer)
        this.#saw(`down ${peer.host}: ${reason}`)
      },
      message: (peer, message) => {
        this.messages.push({ peer, message })
        this.#wake()
      },
      servePieceList: () => options.servePieceList?.() ?? null,
      servePiece: async (root, ordinal) => (await options.servePiece?.(ordinal, root)) ?? null,
    }
  }

  #saw(event: string): void {
    this.events.push(event)
    this.#wake()
  }
}

export function replicaOf(n: number): ReplicaId {
  return n.toString(16).padStart(16, '0') as ReplicaId
}

/** Hosts that all list each other, closed when the scope ends. */
export class Hosts implements AsyncDisposable {
  readonly #hosts: TestHost[] = []
  readonly #others: { close(): unknown }[] = []

  async start(options: HostOptions): Promise<TestHost> {
    const host = await TestHost.start(options)
    this.#hosts.push(host)
    return host
  }

  use<T extends { close(): unknown }>(other: T): T {
    this.#others.push(other)
    return other
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const other of this.#others) other.close()
    await Promise.all(this.#hosts.map((host) => host.close()))
  }
}

/** A cable between two hosts that keeps the bytes that pass, and can be cut. */
export class Cable {
  readonly seen: Buffer[] = []
  /** To the called host, and back from it. */
  readonly bytes = { there: 0, back: 0 }
  /** How long bytes take each way. */
  delayMs = 0
  /** Bytes kept on connections that are held. */
  held = 0
  readonly #heldBack = new Set<Socket | undefined>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Bytes that came back, and the calling socket, of each connection in the order made. */
  readonly #calls: { near: Socket; back: number }[] = []
  private constructor(server: Server) {
    this.#server = server
  }

  static async to(host: TestHost, from: string): Promise<Cable> {
    const server = createServer()
    const cable = new Cable(server)
    const [address = '', port = ''] = host.line.split(':')
    server.on('connection', (near) => {
      const far = new Socket().connect({ host: address, port: Number(port), localAddress: from })
      const call = { near, back: 0 }
      cable.#calls.push(call)
      cable.#join(near, far, 'there')
      cable.#join(far, near, 'back')
      far.on('data', ({ byteLength }: Buffer) => (call.back += byteLength))
    })
    server.listen(0, from)
    await once(server, 'listening')
    return cable
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Bytes that came back from the called host, by connection. */
  perConnection(): number[] {
    return this.#calls.map(({ back }) => back)
  }

  /** From now on nothing comes back on that connection. */
  hold(which: number): void {
    this.#heldBack.add(this.#calls[which]?.near)
  }

  /** All, or one of the connections. */
  cut(which?: number): void {
    if (which !== undefined) return void this.#calls[which]?.near.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #join(from: Socket, to: Socket, way: 'there' | 'back'): void {
    this.#sockets.add(from)
    from.on('data', (bytes: Buffer) => {
      this.seen.push(bytes)
      this.bytes[way] += bytes.byteLength
      if (this.#heldBack.has(to)) this.held += bytes.byteLength
      else if (this.delayMs === 0) to.write(bytes)
      else setTimeout(() => void to.write(bytes), this.delayMs)
    })
    from.on('close', () => to.destroy())
    from.on('error', () => {})
  }
}
