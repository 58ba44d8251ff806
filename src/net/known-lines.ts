/**
 * Which line of a folder's known_hosts a connection belongs to. What we dialled is known for sure, and so is a host
 * that comes from a line's address and listens on its port. A host that comes from another address than it is
 * listed with (several interfaces, address translation) is only named; its line goes on being dialled until sure.
 */
import { type Connection } from '@libp2p/interface'
import { type HostName } from '../base/brand.ts'
import { addressOf, shownAddress } from './address.ts'
import { type HostDialer } from './host-dialer.ts'

export class KnownLines {
  readonly #knownHostsOnly: boolean
  #dialers: readonly HostDialer[] = []

  constructor(options: { knownHostsOnly: boolean }) {
    this.#knownHostsOnly = options.knownHostsOnly
  }

  get dialers(): readonly HostDialer[] {
    return this.#dialers
  }

  set(dialers: readonly HostDialer[]): void {
    this.#dialers = dialers
  }

  /** Whether the host behind `connection` may be one of these, as far as can be told before its INTRO. */
  mayLeadTo(connection: Connection): boolean {
    const address = addressOf(connection.remoteAddr)
    const peerId = connection.remotePeer.toString()
    return this.#dialers.some((dialer) => dialer.peerId === peerId || dialer.addresses.includes(address))
  }

  /** Whether a peer with that name may stay. */
  allows(host: HostName): boolean {
    return !this.#knownHostsOnly || this.#dialers.some((dialer) => dialer.line === host)
  }

  /** The line of a host that says it listens on `port`; null if there is none and there must be one. */
  hostOf(connection: Connection, port: number): HostName | null {
    const address = addressOf(connection.remoteAddr)
    const peerId = connection.remotePeer.toString()
    const free = this.#dialers.filter((dialer) => dialer.isFreeFor(peerId))
    for (const dialer of free) if (dialer.port === port && dialer.addresses.includes(address)) dialer.found(peerId)
    const line =
      this.lineOf(peerId) ??
      only(free.filter((dialer) => dialer.port === port)) ??
      only(free.filter((dialer) => dialer.addresses.includes(address)))
    if (line !== undefined) return line
    return this.#knownHostsOnly ? null : (shownAddress(address, port) as HostName)
  }

  /** The line that is surely this peer's. */
  lineOf(peerId: string): HostName | undefined {
    return this.#dialers.find((dialer) => dialer.peerId === peerId)?.line
  }

  /** For the log: the line, or the address. */
  shown(connection: Connection): string {
    return this.lineOf(connection.remotePeer.toString()) ?? addressOf(connection.remoteAddr)
  }
}

function only(dialers: readonly HostDialer[]): HostName | undefined {
  return dialers.length === 1 ? dialers[0]?.line : undefined
}
