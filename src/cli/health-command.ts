/** `isosyncd health`: one look, for a monitoring system that goes by exit statuses (Nagios and its kin). */
import { type ControlClient } from '../api/client.ts'
import { type StatusReport } from '../api/api-types.ts'
import { ControlError } from '../api/control-error.ts'
import { type Finding, worst } from '../api/finding.ts'
import { diagnose } from './diagnosis.ts'
import { count } from './figures.ts'
import { printable, type Terminal } from './terminal.ts'

/** Exit statuses as monitoring plugins have them (monitoring-plugins.org, "Plugin Return Codes"). */
const EXIT = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const
export type Health = keyof typeof EXIT

export const healthExitsInWords = `Exit status of \`health\`:
  ${EXIT.ok}  all is well
  ${EXIT.warning}  the operator should look: the brake holds something, a problem waits, a secret is wrong
  ${EXIT.critical}  a folder is halted or paused, the disk fails, no peer is connected, a host is a copy, or the daemon is not running
  ${EXIT.unknown}  it could not be found out`

export async function health(connect: () => ControlClient, options: { json: boolean }, terminal: Terminal) {
  const { state, findings, summary } = await look(connect)
  const answer = { health: state, exitStatus: EXIT[state], summary, findings }
  terminal.out(options.json ? `${JSON.stringify(answer, null, 2)}\n` : render(state, summary, findings))
  return EXIT[state]
}

async function look(connect: () => ControlClient) {
  try {
    const report = await connect().status()
    const findings = diagnose(report)
    return { state: healthOf(findings), findings, summary: summaryOf(report, findings) }
  } catch (error) {
    const state: Health = error instanceof ControlError && error.code === 'not-running' ? 'critical' : 'unknown'
    return { state, findings: [], summary: error instanceof Error ? error.message : String(error) }
  }
}

export function healthOf(findings: readonly Finding[]): Health {
  const level = worst(findings)
  return level === 'critical' || level === 'warning' ? level : 'ok'
}

/** The first line: all that many monitoring systems show. */
function summaryOf(report: StatusReport, findings: readonly Finding[]): string {
  const [first, ...more] = findings.filter(({ level }) => level === 'critical' || level === 'warning')
  if (first !== undefined) return `${first.what}${more.length === 0 ? '' : ` (and ${more.length} more)`}`
  const hosts = new Map(report.folders.flatMap((folder) => folder.hosts).map((host) => [host.host, host]))
  const others = [...hosts.values()].filter((host) => !host.self)
  const connected = others.filter((host) => host.state === 'proven').length
  const files = report.folders.reduce((sum, folder) => sum + folder.files, 0)
  return `${count(report.folders.length, 'folder')}, ${count(files, 'file')}, ${connected} of ${count(others.length, 'other host')} connected`
}

function render(state: Health, summary: string, findings: readonly Finding[]): string {
  const lines = findings
    .filter(({ level }) => level !== 'fine')
    .map(({ level, what, mend }) => `${level}: ${what}${mend === null ? '' : `. To mend it: ${mend}`}`)
  // A bar would begin figures for the monitoring system.
  return [`${state.toUpperCase()}: ${summary}`, ...lines]
    .map((line) => `${printable(line).replaceAll('|', '/')}\n`)
    .join('')
}
