/** Addresses: lines of known_hosts taken apart, and IP addresses in one form so that they can be compared. */
import { isIPv4, isIPv6 } from 'node:net'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** A line of known_hosts: a name or an IP address, and a port. */
export interface HostLine {
  readonly name: string
  readonly port: number
}

/** The parts of `name:port`, `1.2.3.4:port` or `[v6]:port`; null if it is none of them (the config has checked it). */
export function parseHostLine(line: string): HostLine | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\s]+)):([0-9]{1,5})$/.exec(line)
  const name = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return name === undefined || !(port >= 1 && port <= 65_535) ? null : { name, port }
}

/** One form for each address: IPv4 written as IPv6 becomes IPv4, IPv6 is compressed, a zone is dropped. */
export function normaliseAddress(address: string): string {
  const [bare = address] = address.split('%')
  if (!isIPv6(bare)) return bare
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (mapped === null) return canonical
  const high = parseInt(mapped[1] ?? '0', 16)
  const low = parseInt(mapped[2] ?? '0', 16)
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** What libp2p dials; `address` is normalised. */
export function dialAddress(address: string, port: number): Multiaddr {
  return multiaddr(`/${isIPv4(address) ? 'ip4' : 'ip6'}/${address}/tcp/${port}`)
}

/** The IP address of a connection's other end, normalised. */
export function addressOf(remote: Multiaddr): string {
  const [component] = remote.getComponents()
  return normaliseAddress(component?.value ?? '')
}

/** For people and for the `host` of a peer that no line names. */
export function shownAddress(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}

/** The TCP port of the first of a listener's addresses; null if it has none. */
export function listenerPort(addresses: readonly Multiaddr[]): number | null {
  const port = addresses[0]?.getComponents().find((component) => component.name === 'tcp')?.value
  return port === undefined ? null : Number(port)
}
