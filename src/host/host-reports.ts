/** What the network knows of the known hosts, in the words of `status`. */
import prettyMs from 'pretty-ms'
import { type HostReport, type HostState as Shown, type HostTrouble } from '../api/api-types.ts'
import { type HostState, type HostStatus } from '../net/host-status.ts'

const SHOWN: Readonly<Record<HostState, Shown>> = {
  self: 'self',
  proven: 'proven',
  connected: 'connected',
  connecting: 'dialling',
  unresolved: 'down',
  unreachable: 'down',
  refused: 'down',
  'wrong-network-secret': 'down',
  clone: 'down',
  'wrong-secret': 'connected',
  banned: 'down',
}

const NO_TROUBLE: readonly HostState[] = ['self', 'proven', 'connected', 'connecting']

/** `ourselves` is what this host's own line shows: nobody else tells us. */
export function hostReport(
  host: HostStatus,
  ourselves: { deviceName: string; site: string | null },
): Omit<HostReport, 'inSync'> {
  const { self, rttMs, why, nextTryInMs } = host
  const { deviceName, site } = self ? ourselves : host
  const { receiveRate, sendRate, receivedBytes, sentBytes } = host
  const next =
    nextTryInMs === null || why === '' ? '' : `; next try in ${prettyMs(nextTryInMs, { secondsDecimalDigits: 0 })}`
  const state = SHOWN[host.state]
  const moved = { receiveRate, sendRate, receivedBytes, sentBytes }
  const trouble = NO_TROUBLE.includes(host.state) ? {} : { trouble: host.state as HostTrouble }
  return { host: host.host, self, state, why: `${why}${next}`, ...trouble, deviceName, site, rttMs, ...moved }
}
