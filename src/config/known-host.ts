/** Lines of known_hosts: `name:port`, `1.2.3.4:port` or `[v6]:port`. Names are only checked for their form here. */
import { isIPv4, isIPv6 } from 'node:net'
import { type HostName } from '../base/brand.ts'
import { type KnownHost } from './config.ts'

/** RFC 1123 labels; the underscore is not allowed there, yet many internal names have one. */
const LABEL = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/
/** RFC 1035: a name of more bytes cannot be asked for. */
const MAX_NAME_BYTES = 253

/** The parts of a line, or in plain words what is wrong with it. */
export function parseKnownHost(line: string): KnownHost | string {
  const split = splitPort(line)
  if (typeof split === 'string') return split
  const { host, port: portText } = split
  const port = /^[0-9]{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 65_535) return `'${portText}' is no port: a number from 1 to 65535`
  const kind = kindOf(host)
  if (kind === null) return `'${host}' is neither a host name nor an IP address`
  return { line: line as HostName, host, port, kind }
}

function splitPort(line: string): { host: string; port: string } | string {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(line)
  if (bracketed) {
    const [, host = '', port] = bracketed
    if (!isIPv6(host)) return `'${host}' in brackets is no IPv6 address`
    return port === undefined ? portMissing(line) : { host, port }
  }
  if (isIPv6(line)) return `an IPv6 address needs brackets and a port, such as '[${line}]:58889'`
  const colon = line.lastIndexOf(':')
  if (colon === -1) return portMissing(line)
  return { host: line.slice(0, colon), port: line.slice(colon + 1) }
}

function portMissing(line: string): string {
  return `the port is missing, such as '${line}:58889'`
}

function kindOf(host: string): KnownHost['kind'] | null {
  if (isIPv4(host)) return 'ipv4'
  if (isIPv6(host)) return 'ipv6'
  const labels = host.replace(/\.$/, '').split('.')
  const allDigits = labels.every((label) => /^[0-9]+$/.test(label))
  return host.length <= MAX_NAME_BYTES && !allDigits && labels.every((label) => LABEL.test(label)) ? 'name' : null
}
