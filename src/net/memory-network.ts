/**
 * The fake of the network: joins engines of one process, with no sockets and no secrets checked beyond the folder's
 * id. Everything arrives later, through the Clock, and in order; what goes over it is encoded and decoded, so that no
 * two hosts share an object. `cut` and `join` take connections away and give them back; `stall` holds up one direction.
 */
import { type FolderId, type HostName, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { decodeFrame, encodeFrame, type Frame } from './codec.ts'
import { type FolderHandlers, type FolderMessage, type Peer, PeerGone, PieceRefused } from './peer-port.ts'
import { ProtocolError } from './record-codec.ts'

export interface MemoryHost {
  readonly name: HostName
  readonly site: string | null
  /** Holds the read-write secret. */
  readonly writer: boolean
  readonly folder: FolderId
  readonly replica: ReplicaId
  readonly handlers: FolderHandlers
}

export interface MemoryLink {
  peers(): readonly Peer[]
  close(): void
}

export interface MemoryNetworkNeeds {
  readonly clock: Clock
  /** Sees each message at the moment at which it is sent. */
  readonly sending?: (from: HostName, to: HostName, message: FolderMessage) => void
}

export class MemoryNetwork {
  readonly #latencyMs: number
  readonly #needs: MemoryNetworkNeeds
  readonly #hosts = new Set<MemoryHost>()
  readonly #cuts = new Set<string>()
  readonly #connections = new Set<MemoryConnection>()
  /** Directions in which nothing arrives, and what wakes those that wait. */
  readonly #stalls = new Map<string, PromiseWithResolvers<void>>()

  constructor(options: { latencyMs: number }, needs: MemoryNetworkNeeds) {
    this.#latencyMs = options.latencyMs
    this.#needs = needs
  }

  /** Joins a host; it and all others of its folder become peers of each other, later. */
  openFolder(host: MemoryHost): MemoryLink {
    for (const other of this.#hosts) this.#connect(host, other)
    this.#hosts.add(host)
    return {
      peers: () => [...this.#connections].flatMap((connection) => connection.peerFor(host)),
      close: () => {
        this.#hosts.delete(host)
        this.#disconnect((connection) => connection.has(host.name), 'the other side stopped')
      },
    }
  }

  /** Takes the connection between two hosts away, and keeps it from coming back. What is under way is lost. */
  cut(a: HostName, b: HostName): void {
    this.#cuts.add(pair(a, b))
    this.#disconnect((connection) => connection.has(a) && connection.has(b), 'the connection was cut')
  }

  join(a: HostName, b: HostName): void {
    if (!this.#cuts.delete(pair(a, b))) return
    for (const host of this.#hosts)
      for (const other of this.#hosts) if (host.name === a && other.name === b) this.#connect(host, other)
  }

  /** What `from` sends to `to` is under way until `flow`, on every connection between them. */
  stall(from: HostName, to: HostName): void {
    const key = direction(from, to)
    if (!this.#stalls.has(key)) this.#stalls.set(key, Promise.withResolvers())
  }

  flow(from: HostName, to: HostName): void {
    const key = direction(from, to)
    this.#stalls.get(key)?.resolve()
    this.#stalls.delete(key)
  }

  #connect(a: MemoryHost, b: MemoryHost): void {
    if (a.folder !== b.folder || this.#cuts.has(pair(a.name, b.name))) return
    const connection: MemoryConnection = new MemoryConnection(a, b, {
      ...this.#needs,
      latencyMs: this.#latencyMs,
      drop: (reason) => this.#disconnect((other) => other === connection, reason),
      stalled: (from, to) => this.#stalls.get(direction(from, to))?.promise ?? null,
    })
    this.#connections.add(connection)
  }

  #disconnect(which: (connection: MemoryConnection) => boolean, reason: string): void {
    for (const connection of [...this.#connections]) {
      if (!which(connection)) continue
      this.#connections.delete(connection)
      connection.end(reason)
    }
  }
}

interface ConnectionNeeds extends MemoryNetworkNeeds {
  readonly latencyMs: number
  readonly drop: (reason: string) => void
  /** Null while what `from` sends to `to` arrives; else resolves when it does again. */
  readonly stalled: (from: HostName, to: HostName) => Promise<void> | null
}

class MemoryConnection {
  readonly #sides: readonly [MemoryPeer, MemoryPeer]
  readonly #gone = new AbortController()
  #up = false

  constructor(a: MemoryHost, b: MemoryHost, needs: ConnectionNeeds) {
    this.#sides = [new MemoryPeer(a, b, needs, this.#gone.signal), new MemoryPeer(b, a, needs, this.#gone.signal)]
    this.#sides[0].reverse = this.#sides[1]
    this.#sides[1].reverse = this.#sides[0]
    needs.clock.after(needs.latencyMs, () => this.#begin())
  }

  has(name: HostName): boolean {
    return this.#sides.some((side) => side.us.name === name)
  }

  /** The peer that this connection gives `host`: one, or none. */
  peerFor(host: MemoryHost): readonly Peer[] {
    return this.#up ? this.#sides.filter((side) => side.us === host) : []
  }

  end(reason: string): void {
    this.#gone.abort(new PeerGone(reason))
    if (this.#up) for (const side of this.#sides) side.us.handlers.down(side, reason)
    this.#up = false
  }

  #begin(): void {
    if (this.#gone.signal.aborted) return
    this.#up = true
    for (const side of this.#sides) if (this.#up) side.us.handlers.up(side)
  }
}

/** What host `us` sees of host `them`. */
class MemoryPeer implements Peer {
  readonly us: MemoryHost
  readonly #them: MemoryHost
  readonly #needs: ConnectionNeeds
  readonly #gone: AbortSignal
  readonly #underWay: Uint8Array[] = []
  /** When it last sent a piece. */
  #heardMs = 0
  /** What `them` sees of `us`: set once, right after both are made. */
  reverse: MemoryPeer | null = null

  constructor(us: MemoryHost, them: MemoryHost, needs: ConnectionNeeds, gone: AbortSignal) {
    this.us = us
    this.#them = them
    this.#needs = needs
    this.#gone = gone
  }

  get host(): HostName {
    return this.#them.name
  }
  get deviceName(): string {
    return this.#them.name
  }
  get replica(): ReplicaId {
    return this.#them.replica
  }
  get writer(): boolean {
    return this.#them.writer
  }
  get site(): string | null {
    return this.#them.site
  }

  rttMs(): number {
    return 2 * this.#needs.latencyMs
  }

  silentMs(): number {
    return this.#needs.clock.elapsed() - this.#heardMs
  }

  send(message: FolderMessage): void {
    if (this.#gone.aborted) return
    this.#needs.sending?.(this.us.name, this.host, message)
    this.#underWay.push(encodeFrame({ type: 'message', message }))
    this.#needs.clock.after(this.#needs.latencyMs, () => this.#deliver())
  }

  async fetchPieceList(root: RootHash, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    await this.#travel('there', signal)
    const list = this.#them.handlers.servePieceList(root)
    await this.#travel('back', signal)
    if (list === null || list.byteLength > maxBytes) throw new PieceRefused('no such piece list')
    return Uint8Array.from(list)
  }

  async fetchPieces(
    root: RootHash,
    ordinals: readonly number[],
    lengths: readonly number[],
    receive: (ordinal: number, bytes: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#travel('there', signal)
    for (const [i, ordinal] of ordinals.entries())
      await receive(ordinal, await this.#served(root, ordinal, lengths[i] ?? 0, signal))
  }

  async fetchContents(
    roots: readonly RootHash[],
    lengths: readonly number[],
    receive: (i: number, bytes: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#travel('there', signal)
    for (const [i, root] of roots.entries()) await receive(i, await this.#served(root, 0, lengths[i] ?? 0, signal))
  }

  async #served(root: RootHash, ordinal: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    const either = AbortSignal.any([signal, this.#gone])
    const piece = await unlessAborted(this.#them.handlers.servePiece(root, ordinal), either)
    const bytes = piece && Uint8Array.from(piece.bytes) // a Buffer's slice() would be a view of what is given back
    piece?.release()
    await this.#travel('back', signal)
    this.#heardMs = this.#needs.clock.elapsed()
    if (bytes === null || bytes.byteLength !== length) throw new PieceRefused('no such piece')
    return bytes
  }

  ban(reason: string): void {
    this.#needs.drop(`shut out for an hour: ${reason}`)
  }

  #deliver(): void {
    const stalled = this.#needs.stalled(this.us.name, this.host)
    if (stalled !== null) return void stalled.then(() => this.#deliver())
    const bytes = this.#underWay.shift()
    if (bytes === undefined || this.#gone.aborted || this.reverse === null) return
    const frame = decodeOrNull(bytes)
    if (frame === null) return this.reverse.ban('it broke the protocol')
    if (frame.type === 'message') this.#them.handlers.message(this.reverse, frame.message)
  }

  async #travel(way: 'there' | 'back', signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#gone])
    const [from, to] = way === 'there' ? [this.us.name, this.host] : [this.host, this.us.name]
    await this.#needs.clock.sleep(this.#needs.latencyMs, either).catch(() => {})
    for (let held = this.#needs.stalled(from, to); held !== null && !either.aborted;) {
      await unlessAborted(held, either)
      held = this.#needs.stalled(from, to)
    }
    signal.throwIfAborted()
    this.#gone.throwIfAborted()
  }
}

/** Null for what breaks the protocol. */
function decodeOrNull(bytes: Uint8Array): Frame | null {
  try {
    return decodeFrame(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/** A host that crashed never answers. */
async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const end = () => reject(signal.reason as Error)
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

function direction(from: HostName, to: HostName): string {
  return `${from} ${to}`
}

function pair(a: HostName, b: HostName): string {
  return [a, b].sort().join(' ')
}
