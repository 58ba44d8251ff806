/**
 * The network of this host: one libp2p node, the dialers of all lines of known_hosts, and the folders. What libp2p tells
 * is handed to the folder that it is about.
 */
import { lookup } from 'node:dns/promises'
import { type Socket } from 'node:net'
import { type Connection, type Libp2p } from '@libp2p/interface'
import { type Multiaddr } from '@multiformats/multiaddr'
import { type FolderId, type HostName, type ReplicaId } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type Redacted } from '../base/redacted.ts'
import { type FolderKeys } from '../base/secret.ts'
import { addressOf, listenerPort } from './address.ts'
import { type MuxerBreach } from './bounded-muxer.ts'
import { Connections } from './connections.ts'
import { Dialers } from './dialers.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { FailedHandshakes } from './failed-handshakes.ts'
import { FOLDER_PROTOCOL, FolderNet } from './folder-net.ts'
import { type HostStatus } from './host-status.ts'
import { IncomingStreams } from './incoming-streams.ts'
import { Lanes } from './lanes.ts'
import * as limits from './limits.ts'
import { createNode, identityFrom } from './node.ts'
import { saysOpening } from './opening.ts'
import { type FolderHandlers, type Peer } from './peer-port.ts'
import { PIECES_PROTOCOL } from './piece-streams.ts'
import { PieceBuffers } from './piece-buffers.ts'
import { type OldSecret } from './old-secret.ts'
import { Renewal, SUCCESSOR_MS } from './renewal.ts'
import { SeldomLog } from './seldom-log.ts'
import { type Limits, SiteLimits } from './site-limits.ts'
import { WaitingRoom } from './waiting-room.ts'

/** One line in the log for one address in this time. */
const BREACH_LOG_MS = 60_000

export interface NetworkOptions extends Limits {
  /** 0 chooses a free one (tests). */
  readonly listenPort: number
  /** Default: all, IPv4 and IPv6. */
  readonly listenAddresses?: readonly string[]
  /** 32-byte Ed25519 seed (identity.ts), or a private key in libp2p's protobuf form. */
  readonly identity: Uint8Array
  readonly networkSecret: Redacted<string> | null
  readonly knownHostsOnly: boolean
  readonly deviceName: string
  readonly site: string | null
  /** Told to proven peers, such as `isosyncd 1.2.0`. */
  readonly program?: string
}

export interface NetworkNeeds {
  readonly clock: Clock
  readonly log: Log
  /** All addresses of a name. Default: the system's resolver. */
  readonly resolve?: (name: string) => Promise<readonly string[]>
  /** 0 to 1. */
  readonly random?: () => number
  /** Resolves when all folders are open: until then hosts that connect are kept waiting, not refused. Default: now. */
  readonly foldersOpen?: Promise<void>
}

export interface FolderLinkOptions {
  readonly keys: FolderKeys
  readonly previous?: OldSecret | null
  readonly knownHosts: readonly string[]
  readonly replica: ReplicaId
  readonly handlers: FolderHandlers
}

/** One folder's hold on the network. */
export interface FolderLink {
  peers(): readonly Peer[]
  /** One for each line of known_hosts, in their order. */
  hosts(): readonly HostStatus[]
  update(change: { knownHosts: readonly string[] }): void
  close(): void
}

/** Listens, and rejects with a sentence when it cannot. */
export async function startNetwork(options: NetworkOptions, needs: NetworkNeeds): Promise<Network> {
  const network = new Network(options, needs)
  await network.start()
  return network
}

export class Network {
  readonly #options: NetworkOptions
  readonly #needs: Required<NetworkNeeds>
  readonly #folders = new Map<FolderId, FolderNet>()
  readonly #dialers: Dialers
  readonly #connections: Connections
  readonly #buffers = new PieceBuffers()
  readonly #doorkeeper: Doorkeeper
  readonly #waitingRoom: WaitingRoom
  readonly #breaches: SeldomLog
  readonly #renewal: Renewal
  readonly #lanes: Lanes
  readonly #limits: SiteLimits
  #node: Libp2p | null = null
  #closed = false

  /** Use `startNetwork`. */
  constructor(options: NetworkOptions, needs: NetworkNeeds) {
    this.#options = options
    this.#needs = { resolve: resolveBySystem, random: Math.random, foldersOpen: Promise.resolve(), ...needs }
    this.#limits = new SiteLimits(options, this.#needs)
    this.#connections = new Connections(needs)
    this.#dialers = new Dialers({
      ...this.#needs,
      dial: async (addresses) => (await this.#started.dial(addresses)).remotePeer.toString(),
      connections: this.#connections,
      changed: (peerId) => this.#considerAll(peerId),
    })
    const dialAgain = (connection: Connection) => this.#dialAgain(connection)
    this.#renewal = new Renewal({ ...this.#needs, dialAgain })
    this.#waitingRoom = new WaitingRoom(needs)
    this.#lanes = new Lanes({
      ...needs,
      addressesOf: (peerId) => this.#addressesOf(peerId),
      dial: (addresses) => this.#started.dial(addresses, { force: true }),
      proven: (connection) => this.#isProven(connection),
      opened: (peerId) => this.#folders.forEach((folder) => folder.laneOpened(peerId)),
    })
    this.#breaches = new SeldomLog({ everyMs: BREACH_LOG_MS }, needs)
    const isKnown = (address: string) => this.#dialers.leadTo(address)
    const refresh = () => this.#dialers.refresh()
    this.#doorkeeper = new Doorkeeper(options, { ...this.#needs, isKnown, refresh })
  }

  async start(): Promise<void> {
    const { listenPort, networkSecret } = this.#options
    const listenAddresses = this.#options.listenAddresses ?? ['0.0.0.0', '::']
    const identity = await identityFrom(this.#options.identity)
    const admits = (address: string, socket: Socket) => this.#admits(address, socket)
    const breached = (remote: Multiaddr, breach: MuxerBreach) => this.#logBreach(addressOf(remote), breach)
    const handshakes = new FailedHandshakes(this.#needs)
    const nodeOptions = { listenPort, listenAddresses, identity, networkSecret }
    const node = await createNode(nodeOptions, { admits, clock: this.#needs.clock, handshakes, breached })
    node.addEventListener('connection:open', (event) => this.#opened(event.detail))
    node.addEventListener('connection:close', (event) => this.#wasClosed(event.detail))
    const incoming = new IncomingStreams({ ...this.#needs, folder: (id) => this.#folderFor(id) })
    const streams = {
      maxInboundStreams: limits.MAX_STREAMS_PER_CONNECTION,
      maxOutboundStreams: limits.MAX_STREAMS_PER_CONNECTION,
    }
    await node.handle(FOLDER_PROTOCOL, (stream, connection) => void incoming.accept(stream, connection), streams)
    await node.handle(PIECES_PROTOCOL, (stream, connection) => incoming.serve(stream, connection), streams)
    this.#node = node
    try {
      await node.start()
    } catch (error) {
      throw new Error(cannotListen(listenPort, error), { cause: error })
    }
  }

  /** The TCP port that it listens on. */
  get port(): number {
    return listenerPort(this.#started.getMultiaddrs()) ?? this.#options.listenPort
  }

  /** This host's libp2p peer id. */
  get peerId(): string {
    return this.#started.peerId.toString()
  }

  openFolder(options: FolderLinkOptions): FolderLink {
    const { keys, previous = null, replica, handlers } = options
    const { knownHostsOnly, deviceName, site, program = 'isosyncd' } = this.#options
    if (this.#folders.has(keys.id)) throw new Error('a folder with this secret is open already')
    const { clock, log, random } = this.#needs
    const folder = new FolderNet(
      { keys, previous, replica, knownHostsOnly, deviceName, site, program },
      {
        handlers,
        clock,
        log,
        random,
        buffers: this.#buffers,
        ourPeerId: this.#started.peerId,
        listeningPort: () => this.port,
        connectionsOf: (peerId) => this.#connections.of(peerId),
        succeeds: (connection, old) => this.#connections.youngerByMs(connection, old) >= SUCCESSOR_MS,
        limitFor: (direction, otherSite) => this.#limits.of(direction, otherSite),
        settled: (connection) => this.#settled(connection),
        lanes: this.#lanes,
        left: (peerId) => this.#left(peerId),
      },
    )
    this.#folders.set(keys.id, folder)
    this.#point(folder, options.knownHosts)
    return {
      peers: () => folder.peers(),
      hosts: () => folder.hosts(),
      update: (change) => this.#point(folder, change.knownHosts),
      close: () => this.#closeFolder(keys.id, folder),
    }
  }

  /** Open connections to other hosts, whether peers or not. */
  connectionCount(): number {
    return this.#connections.all().length
  }

  setLimits(change: Limits): void {
    this.#limits.set(change)
  }

  /** Tries every host now that is not connected. */
  retryNow(): void {
    this.#dialers.poke()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const [id, folder] of this.#folders) this.#closeFolder(id, folder)
    await this.#node?.stop()
  }

  get #started(): Libp2p {
    if (this.#node === null) throw new Error('isosyncd bug: the network has not been started')
    return this.#node
  }

  /** Gives a folder the dialers of its lines, and stops those that no folder needs any more. */
  #point(folder: FolderNet, knownHosts: readonly string[]): void {
    folder.setDialers([...new Set(knownHosts)].map((line) => this.#dialers.of(line as HostName)))
    this.#dropUnusedDialers()
    for (const connection of this.#connections.all()) folder.consider(connection)
  }

  #dropUnusedDialers(): void {
    this.#dialers.keep(new Set([...this.#folders.values()].flatMap((folder) => folder.dialers)))
  }

  #closeFolder(id: FolderId, folder: FolderNet): void {
    if (this.#folders.get(id) !== folder) return
    this.#folders.delete(id)
    folder.close()
    this.#dropUnusedDialers()
  }

  #opened(connection: Connection): void {
    this.#connections.add(connection)
    if (connection.direction === 'inbound') for (const folder of this.#folders.values()) folder.consider(connection)
    else this.#renewal.watch(connection)
    // The dialer of an outbound connection is told next who is behind its line, and then calls `changed`.
  }

  #wasClosed(connection: Connection): void {
    this.#lanes.closed(connection)
    if (!this.#connections.remove(connection)) return
    this.#dialers.poke(connection.remotePeer.toString())
  }

  #logBreach(address: string, breach: MuxerBreach): void {
    this.#breaches.log(address, () =>
      this.#needs.log.warn(
        { host: address },
        `cut off ${address}: ${breach.message}. isosyncd does not do that: look at what runs on that host`,
      ),
    )
  }

  async #dialAgain(connection: Connection): Promise<void> {
    if (this.#closed || this.#lanes.has(connection)) return
    const { remotePeer, remoteAddr } = connection
    this.#needs.log.debug({ host: addressOf(remoteAddr) }, 'renewing a connection that has become old')
    await this.#started.dial(remoteAddr, { force: true })
    this.#considerAll(remotePeer.toString())
  }

  #considerAll(peerId: string | null): void {
    for (const connection of this.#connections.of(peerId ?? ''))
      for (const folder of this.#folders.values()) folder.consider(connection)
  }

  /** By its secret, or by the one that is being replaced. */
  #folderFor(id: FolderId): FolderNet | undefined {
    return this.#folders.get(id) ?? [...this.#folders.values()].find((folder) => folder.answersTo(id))
  }

  /** Whether whoever calls gets as far as a handshake. */
  async #admits(address: string, socket: Socket): Promise<boolean> {
    if (await this.#doorkeeper.denies(address)) return false
    const known = this.#dialers.leadTo(address)
    if (!this.#waitingRoom.enter(socket, address, known)) return false
    return (await saysOpening(socket, this.#needs.clock)) && this.#waitingRoom.begins(known)
  }

  /** Of two connections between the same hosts, the one with the smaller peer id closes the one not needed. */
  #settled(proven: Connection): void {
    this.#isProven(proven)
    if (!this.#closed && this.peerId < proven.remotePeer.toString())
      this.#connections.dropSpares(proven, (connection) => this.#lanes.has(connection))
  }

  #isProven(connection: Connection): void {
    const { maConn } = connection as { maConn?: { socket?: Socket } }
    if (maConn?.socket !== undefined) this.#waitingRoom.leave(maConn.socket)
  }

  #left(peerId: string): void {
    if ([...this.#folders.values()].some((folder) => folder.isPeer(peerId))) return
    this.#lanes.drop(peerId, 'the host is no peer any more')
  }

  /** Where it was reached, else where its lines lead. */
  #addressesOf(peerId: string): Multiaddr[] {
    const ours = this.#connections.of(peerId).find(({ direction }) => direction === 'outbound')
    return ours !== undefined ? [ours.remoteAddr] : this.#dialers.addressesOf(peerId)
  }
}

async function resolveBySystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map((found) => found.address)
}

function cannotListen(port: number, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (text.includes('EADDRINUSE')) return `port ${port} is in use by another program: stop it, or change listening_port`
  if (text.includes('EACCES'))
    return `port ${port} may not be used by this user: choose one above 1023 as listening_port`
  return `cannot listen on port ${port}: ${text}`
}
