/** One dialer for each line of known_hosts, however many folders name it. */
import { type Multiaddr } from '@multiformats/multiaddr'
import { type HostName } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { addressOf, dialAddress } from './address.ts'
import { type Connections } from './connections.ts'
import { HostDialer } from './host-dialer.ts'

export interface DialersNeeds {
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly resolve: (name: string) => Promise<readonly string[]>
  /** Gives the peer id of who answers. */
  readonly dial: (addresses: Multiaddr[]) => Promise<string>
  readonly connections: Pick<Connections, 'has' | 'of'>
  /** What is known of the host behind a line has changed. */
  readonly changed: (peerId: string | null) => void
}

export class Dialers {
  readonly #needs: DialersNeeds
  readonly #dialers = new Map<HostName, HostDialer>()

  constructor(needs: DialersNeeds) {
    this.#needs = needs
  }

  of(line: HostName): HostDialer {
    const known = this.#dialers.get(line)
    if (known !== undefined) return known
    const { clock, log, random, resolve, dial, connections, changed } = this.#needs
    const dialer = new HostDialer(
      { line },
      {
        clock,
        log,
        random,
        resolve,
        dial,
        isConnected: (peerId) => connections.has(peerId),
        isConnectedAt: (peerId, addresses) =>
          connections.of(peerId).some((connection) => addresses.includes(addressOf(connection.remoteAddr))),
        changed: () => changed(dialer.peerId),
      },
    )
    this.#dialers.set(line, dialer)
    return dialer
  }

  /** Stops those that are not in use any more. */
  keep(used: ReadonlySet<HostDialer>): void {
    for (const [line, dialer] of this.#dialers) {
      if (used.has(dialer)) continue
      dialer.close()
      this.#dialers.delete(line)
    }
  }

  /** Tries the host now if it is not connected; without an id all. */
  poke(peerId?: string): void {
    for (const dialer of this.#dialers.values()) if (peerId === undefined || dialer.peerId === peerId) dialer.poke()
  }

  /** Looks all names up anew. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#dialers.values()].map((dialer) => dialer.refresh()))
  }

  /** Whether some line leads to that address. */
  leadTo(address: string): boolean {
    return [...this.#dialers.values()].some((dialer) => dialer.addresses.includes(address))
  }

  /** Where the lines of that host lead. */
  addressesOf(peerId: string): Multiaddr[] {
    const lines = [...this.#dialers.values()].filter((dialer) => dialer.peerId === peerId)
    return lines.flatMap(({ addresses, port }) => addresses.map((address) => dialAddress(address, port)))
  }
}
