/** What `status` shows of one line of known_hosts in one folder. */
import { type HostName } from '../base/brand.ts'
import { type HostDialer } from './host-dialer.ts'
import { type PeerSession } from './peer-session.ts'
import { type Traffic } from './traffic.ts'

export type HostState =
  | 'self' // this host
  | 'proven' // a peer
  | 'connected' // the proof is under way
  | 'connecting'
  | 'unresolved'
  | 'unreachable'
  | 'refused' // it closed the connection before any of us could prove anything
  | 'wrong-network-secret'
  | 'clone' // it has the identity or the index of another host, or of this one
  | 'wrong-secret' // it does not have this folder's secret
  | 'banned' // it broke the protocol, or says that we did

export interface HostStatus {
  /** The line of known_hosts. */
  readonly host: HostName
  readonly self: boolean
  readonly state: HostState
  /** A sentence: why it is not proven; '' where there is nothing to say. */
  readonly why: string
  /** What the line resolved to last. */
  readonly addresses: readonly string[]
  readonly deviceName: string | null
  readonly site: string | null
  /** Whether it has proven the read-write secret; null before the proof. */
  readonly writer: boolean | null
  /** Last round trip; null before the first. */
  readonly rttMs: number | null
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Bytes per second now. */
  readonly receiveRate: number
  readonly sendRate: number
  /** Until the next try; null while none is due. */
  readonly nextTryInMs: number | null
}

/** Why a folder has no peer behind a line although there is, or was, a connection. */
export interface Trouble {
  readonly state: 'wrong-secret' | 'clone' | 'banned'
  readonly why: string
  readonly nextTryInMs: number
}

export interface HostStatusParts {
  readonly dialer: HostDialer
  readonly session: PeerSession | null
  readonly trouble: Trouble | null
  readonly traffic: Traffic | null
}

export function hostStatus({ dialer, session, trouble, traffic }: HostStatusParts): HostStatus {
  const rttMs = session?.lastRttMs() ?? NaN
  const { state, why, nextTryInMs } = standing(dialer, session, trouble)
  return {
    host: dialer.line,
    self: dialer.state === 'self',
    state,
    why,
    addresses: dialer.addresses,
    deviceName: session?.deviceName ?? null,
    site: session?.site ?? null,
    writer: session?.writer ?? null,
    rttMs: Number.isNaN(rttMs) ? null : rttMs,
    receivedBytes: traffic?.bytes('in') ?? 0,
    sentBytes: traffic?.bytes('out') ?? 0,
    receiveRate: traffic?.rate('in') ?? 0,
    sendRate: traffic?.rate('out') ?? 0,
    nextTryInMs,
  }
}

function standing(dialer: HostDialer, session: PeerSession | null, trouble: Trouble | null) {
  if (session !== null) return { state: 'proven' as const, why: '', nextTryInMs: null }
  if (trouble !== null && dialer.state === 'connected') return trouble
  const nextTryInMs = dialer.state === 'self' ? null : dialer.nextTryInMs()
  return { state: dialer.state, why: dialer.state === 'self' ? '' : dialer.why, nextTryInMs }
}
