/** What is wrong with a daemon that answers, by its own report: for `health` and `doctor`. Pure. */
import { type FolderReport, type HostReport, type StatusReport } from '../api/api-types.ts'
import { type Finding } from '../api/finding.ts'
import { type Problem, type ProblemKind } from '../sync/problem.ts'
import { count } from './figures.ts'

/** After a start hosts are given this long to connect before their absence is an alarm. */
const CONNECTING_S = 60

/** Kinds that the state of the folder says already. */
const SAID_BY_STATE: readonly ProblemKind[] = ['halted', 'disk-full']

interface Judgement {
  readonly level: 'note' | 'warning' | 'critical'
  readonly mend: string
}

const HELD: Judgement = { level: 'warning', mend: '`isosyncd approve` if it was meant, `isosyncd discard` if not' }

/** By kind of problem; one that is not listed here waits for the operator all the same. */
const JUDGEMENTS: Partial<Record<ProblemKind, Judgement>> = {
  'io-error': { level: 'critical', mend: 'look at the disk: `dmesg | tail`, `smartctl -a DEVICE`' },
  rotten: { level: 'critical', mend: 'look at the disk: `smartctl -a DEVICE`' },
  unreadable: { level: 'warning', mend: 'give the user that isosyncd runs as the rights' },
  'bad-name': { level: 'warning', mend: 'rename it' },
  'name-clash': { level: 'warning', mend: 'rename one of the two' },
  'bad-link': { level: 'warning', mend: 'make the link relative, to something inside the folder' },
  unsupported: { level: 'warning', mend: 'move it away, or name it in the IgnoreList' },
  unfinished: { level: 'warning', mend: 'finish the upload, or `isosyncd approve NAME`' },
  'read-only-change': { level: 'warning', mend: 'undo the change, or set overwrite_changes for this folder' },
  conflict: { level: 'warning', mend: '`isosyncd archive restore NAME --to OTHER`, or `isosyncd archive purge NAME`' },
  'held-deletions': HELD,
  'held-overwrites': HELD,
  'held-removals': HELD,
  'held-changes': HELD,
  'in-the-way': { level: 'warning', mend: 'move it away' },
  rejected: { level: 'warning', mend: 'run the same version of isosyncd on all hosts' },
  'no-source': { level: 'warning', mend: 'bring a host back that has it, or drop the file again on any host' },
  'no-events': { level: 'note', mend: 'see there; the rescan finds what no event tells' },
}
const OTHERWISE: Judgement = { level: 'warning', mend: 'see `isosyncd status`' }

/** Every state worth a word, the worst first. */
export function diagnose(report: StatusReport): readonly Finding[] {
  const found = report.folders.flatMap((folder) => [
    ...stateOf(folder),
    ...hostsOf(folder, report.uptimeS),
    ...problemsOf(folder),
  ])
  const rank = (finding: Finding) => ['critical', 'warning', 'note', 'fine'].indexOf(finding.level)
  return found.sort((a, b) => rank(a) - rank(b))
}

function stateOf({ dir, state, stateDetail }: FolderReport): Finding[] {
  if (state === 'halted')
    return [
      {
        level: 'critical',
        what: `${dir} is halted: ${stateDetail}`,
        mend: 'mount the right disk: it goes on by itself. If the root was replaced on purpose, or this host was copied from another: `isosyncd new-identity`',
      },
    ]
  if (state !== 'paused') return []
  return [
    {
      level: 'critical',
      what: `${dir} is paused: ${stateDetail}`,
      mend: 'make room, or mend the disk: it goes on by itself',
    },
  ]
}

function hostsOf({ dir, hosts }: FolderReport, uptimeS: number): Finding[] {
  const others = hosts.filter((host) => !host.self)
  if (others.length === 0)
    return [{ level: 'note', what: `${dir} has no other host in known_hosts: it is synced with nobody`, mend: null }]
  const connected = others.filter((host) => host.state === 'proven').length
  const troubles = others.filter((host) => host.state !== 'proven').map((host) => hostTrouble(dir, host))
  if (connected > 0) return troubles
  const level = uptimeS < CONNECTING_S ? 'warning' : 'critical'
  const what = `${dir}: no peer is connected (${count(others.length, 'host')} in known_hosts)`
  return [{ level, what, mend: 'see what is said of each host' }, ...troubles]
}

function hostTrouble(dir: string, { host, why, trouble }: HostReport): Finding {
  const what = `${dir}: ${host} is not connected${why === '' ? '' : `: ${why}`}`
  switch (trouble) {
    case 'clone':
      return { level: 'critical', what, mend: 'on the host that is the copy: `isosyncd new-identity`' }
    case 'wrong-secret':
      return { level: 'warning', what, mend: 'put the same secret for this folder into the config of both hosts' }
    case 'wrong-network-secret':
      return { level: 'warning', what, mend: 'put the same network_secret into the config of all hosts' }
    case 'banned':
      return { level: 'warning', what, mend: 'look at that host; `systemctl restart isosyncd` here lets it in at once' }
    case 'unresolved':
      return { level: 'note', what, mend: 'mend the name in known_hosts, or DNS' }
    case 'refused':
      return { level: 'note', what, mend: 'add this host to known_hosts there' }
    default:
      return { level: 'note', what, mend: 'start isosyncd there, and let its port through the firewall' }
  }
}

/** One finding for each kind: a thousand unreadable files are one thing to do. */
function problemsOf({ dir, problems }: FolderReport): Finding[] {
  const kinds = Map.groupBy(
    problems.filter((problem) => !SAID_BY_STATE.includes(problem.kind)),
    (problem) => problem.kind,
  )
  return [...kinds].map(([kind, [first, ...more]]) => {
    const { level, mend } = JUDGEMENTS[kind] ?? OTHERWISE
    const rest = more.length === 0 ? '' : ` (and ${more.length} more of this kind)`
    return { level, what: `${dir}: ${kind}: ${sentence(first)}${rest}`, mend }
  })
}

function sentence(problem: Problem | undefined): string {
  return problem?.detail ?? ''
}
