/**
 * A swarm of piece pickers on simulated links, in ticks: one source, N receivers, every uplink shared fairly by those
 * who ask, downlinks unlimited. Counts what each host sends and when the last receiver is whole. No wall time.
 */
import { fromHex, type RootHash } from '../../src/base/brand.ts'
import { PiecePicker } from '../../src/sync/piece-picker.ts'
import { MAX_PIECE_BYTES, MIN_PIECE_BYTES } from '../../src/sync/piece-list.ts'

const TICK_MS = 5
const HAVES_EVERY_MS = 100
const HURRY_AFTER_MS = 250
const REQUEST_BYTES = 1 << 20
const FIRST_WINDOW_BYTES = 1 << 20
const PROMPT_MS = 250

export interface SwarmOptions {
  readonly bytes: number
  /** Bytes a second out of each host; the first is the source. */
  readonly uplinks: readonly number[]
  /** By host; equal sites are near. Default: all in one. */
  readonly sites?: readonly number[]
  readonly windowBytes: number
  readonly latencyMs: number
  /** A receiver whose uplink stops for ever at that time, while it stays connected. */
  readonly stuck?: { readonly host: number; readonly atMs: number }
  /** Bytes a second out of each site to the others together. Default: unlimited. */
  readonly siteUplink?: number
}

export interface SwarmResult {
  /** Bytes sent by the source over the size of the content. */
  readonly sourceSent: number
  /** Bytes sent by the source's site to others over the size. */
  readonly siteSent: number
  readonly ms: number
  /** ms by receiver. */
  readonly doneMs: readonly number[]
}

interface Asked {
  readonly ordinal: number
  readonly askedMs: number
  left: number
  readonly fromMs: number
}

interface Link {
  readonly server: number
  readonly client: number
  readonly queue: Asked[]
  outstanding: number
  /** Bytes that may be outstanding: grows while answers are prompt, shrinks when they queue. */
  window: number
  idleSinceMs: number
}

export function pieceLengths(bytes: number): number[] {
  const lengths: number[] = []
  let random = 12345
  for (let left = bytes; left > 0;) {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0
    const drawn = MIN_PIECE_BYTES + 2048 * Math.floor(-47 * Math.log((random + 1) / 2 ** 32))
    lengths.push(Math.min(left, drawn, MAX_PIECE_BYTES))
    left -= lengths.at(-1)!
  }
  return lengths
}

export class SimulatedSwarm {
  readonly #options: SwarmOptions
  readonly #lengths: readonly number[]
  readonly #pickers: (PiecePicker | null)[]
  readonly #links: Link[] = []
  readonly #sent: number[]
  readonly #doneMs: number[]
  readonly #told: number[][]
  #events = new Map<number, (() => void)[]>()
  #siteSent = 0
  #nowMs = 0

  constructor(options: SwarmOptions) {
    this.#options = options
    this.#lengths = pieceLengths(options.bytes)
    const hosts = options.uplinks.map((_, host) => host)
    this.#sent = hosts.map(() => 0)
    this.#doneMs = hosts.map(() => -1)
    this.#told = hosts.map(() => [])
    this.#pickers = hosts.map((host) => (host === 0 ? null : this.#newPicker(host)))
    for (const server of hosts)
      for (const client of hosts.slice(1))
        if (server !== client)
          this.#links.push({ server, client, queue: [], outstanding: 0, window: FIRST_WINDOW_BYTES, idleSinceMs: 0 })
  }

  run(mostMs: number): SwarmResult {
    while (this.#doneMs.slice(1).includes(-1)) {
      if (this.#nowMs > mostMs) throw new Error(`not done after ${mostMs} ms: ${this.#doneMs.join(' ')}`)
      for (const event of this.#events.get(this.#nowMs) ?? []) event()
      this.#events.delete(this.#nowMs)
      if (this.#nowMs % HAVES_EVERY_MS === 0) this.#tellHaves()
      for (const link of this.#links) this.#request(link)
      this.#send()
      this.#nowMs += TICK_MS
    }
    const { bytes } = this.#options
    const doneMs = this.#doneMs.slice(1)
    return { sourceSent: this.#sent[0]! / bytes, siteSent: this.#siteSent / bytes, ms: Math.max(...doneMs), doneMs }
  }

  #newPicker(host: number): PiecePicker {
    const seed: RootHash = fromHex('ab'.repeat(32))
    const lengthOf = (ordinal: number) => this.#lengths[ordinal]!
    const picker = new PiecePicker({ count: this.#lengths.length, lengthOf, self: `host${host}`, seed })
    picker.peerHas('host0', { all: true })
    this.#setReceivers(host, picker)
    return picker
  }

  #setReceivers(host: number, picker: PiecePicker): void {
    const others = this.#options.uplinks.map((_, other) => other).filter((other) => other > 0 && other !== host)
    const fetching = others.filter((other) => this.#doneMs[other] === -1)
    picker.setReceivers(fetching.map((other) => ({ peer: `host${other}`, near: this.#near(host, other) })))
  }

  #near(a: number, b: number): boolean {
    return this.#options.sites === undefined || this.#options.sites[a] === this.#options.sites[b]
  }

  #after(ms: number, event: () => void): void {
    const at = this.#nowMs + Math.max(TICK_MS, Math.round(ms / TICK_MS) * TICK_MS)
    this.#events.set(at, [...(this.#events.get(at) ?? []), event])
  }

  #latency(a: number, b: number): number {
    return this.#near(a, b) && this.#options.sites !== undefined ? TICK_MS : this.#options.latencyMs
  }

  #tellHaves(): void {
    for (const [host, ordinals] of this.#told.entries()) {
      const gained = ordinals.splice(0)
      for (const [other, picker] of this.#pickers.entries()) {
        if (picker === null || other === host || this.#doneMs[other] !== -1) continue
        this.#after(this.#latency(host, other), () => {
          if (gained.length > 0) picker.peerGained(`host${host}`, gained)
          if (this.#doneMs[host] !== -1 && host !== 0) this.#setReceivers(other, picker)
        })
      }
    }
  }

  #request(link: Link): void {
    const picker = this.#pickers[link.client]!
    const room = link.window - link.outstanding
    if (link.outstanding > 0) link.idleSinceMs = this.#nowMs
    if (picker.missing === 0 || room < MAX_PIECE_BYTES) return
    const hurry = this.#nowMs - link.idleSinceMs >= HURRY_AFTER_MS + 2 * this.#latency(link.server, link.client)
    const ordinals = picker.pick(`host${link.server}`, Math.min(room, REQUEST_BYTES), hurry)
    const fromMs = this.#nowMs + this.#latency(link.server, link.client)
    for (const ordinal of ordinals) {
      link.queue.push({ ordinal, askedMs: this.#nowMs, left: this.#lengths[ordinal]!, fromMs })
      link.outstanding += this.#lengths[ordinal]!
    }
    if (ordinals.length > 0 || hurry) link.idleSinceMs = this.#nowMs
  }

  #send(): void {
    const siteRoom = new Map<number, number>()
    const { uplinks, stuck, siteUplink = Infinity, sites } = this.#options
    for (const [server, rate] of uplinks.entries()) {
      if (stuck?.host === server && this.#nowMs >= stuck.atMs) continue
      let budget = (rate * TICK_MS) / 1000
      const site = sites?.[server] ?? 0
      if (!siteRoom.has(site)) siteRoom.set(site, (siteUplink * TICK_MS) / 1000)
      for (;;) {
        const busy = this.#links.filter((l) => l.server === server && (l.queue[0]?.fromMs ?? Infinity) <= this.#nowMs)
        const open = busy.filter((l) => this.#near(server, l.client) || siteRoom.get(site)! >= 1)
        if (open.length === 0 || budget < 1) break
        const each = budget / open.length
        for (const link of open) {
          const far = !this.#near(server, link.client)
          const bytes = Math.min(each, link.queue[0]!.left, far ? siteRoom.get(site)! : Infinity)
          budget -= bytes
          if (far) siteRoom.set(site, siteRoom.get(site)! - bytes)
          if (far && site === (sites?.[0] ?? 0)) this.#siteSent += bytes
          this.#transmit(link, bytes)
        }
      }
    }
  }

  #transmit(link: Link, bytes: number): void {
    this.#sent[link.server]! += bytes
    const asked = link.queue[0]!
    asked.left -= bytes
    if (asked.left > 1e-6) return
    link.queue.shift()
    this.#after(this.#latency(link.server, link.client), () => this.#arrived(link, asked))
  }

  #arrived(link: Link, { ordinal, askedMs }: Asked): void {
    const bytes = this.#lengths[ordinal]!
    link.outstanding -= bytes
    const queued = this.#nowMs - askedMs - 2 * this.#latency(link.server, link.client) > PROMPT_MS
    link.window = queued
      ? Math.max(FIRST_WINDOW_BYTES, link.window - bytes)
      : Math.min(this.#options.windowBytes, link.window + bytes)
    const picker = this.#pickers[link.client]!
    if (!picker.has(ordinal)) this.#told[link.client]!.push(ordinal)
    for (const other of picker.received(ordinal, `host${link.server}`)) this.#cancel(link.client, other, ordinal)
    if (picker.missing === 0 && this.#doneMs[link.client] === -1) this.#doneMs[link.client] = this.#nowMs
  }

  #cancel(client: number, server: string, ordinal: number): void {
    const link = this.#links.find((l) => l.client === client && `host${l.server}` === server)
    const at = link?.queue.findIndex((asked) => asked.ordinal === ordinal) ?? -1
    if (link === undefined || at < 0) return
    link.queue.splice(at, 1)
    link.outstanding -= this.#lengths[ordinal]!
  }
}

/** The least time in which all can be whole, whatever one does (Kumar and Ross 2006), milliseconds. */
export function boundMs(bytes: number, uplinks: readonly number[]): number {
  const all = uplinks.reduce((a, b) => a + b, 0)
  return 1000 * Math.max(bytes / uplinks[0]!, ((uplinks.length - 1) * bytes) / all)
}
