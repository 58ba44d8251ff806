/** `isosyncd doctor`: looks at everything, says what it finds, and the one command that mends each. */
import { type ControlClient } from '../api/client.ts'
import { ControlError } from '../api/control-error.ts'
import { type Finding, worst } from '../api/finding.ts'
import { type Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { type Mistake, showMistake } from '../config/mistake.ts'
import { diagnose } from './diagnosis.ts'
import { FAILED, FINE } from './exit-code.ts'
import { count } from './figures.ts'
import { printable, type Terminal } from './terminal.ts'

/** Looks at the host without asking its daemon (host/doctor.ts). */
export type ExamineHost = (config: Config, state: { isRunning: boolean; nowMs: number }) => Promise<readonly Finding[]>

export interface DoctorNeeds {
  readonly client: ControlClient
  readonly examineHost: ExamineHost
  readonly terminal: Terminal
}

export async function doctor(file: string, options: { json: boolean }, needs: DoctorNeeds): Promise<number> {
  const { client, examineHost, terminal } = needs
  const loaded = loadConfig(file)
  const daemon = await askDaemon(client)
  const around = loaded.ok ? await examineHost(loaded.config, { isRunning: daemon.isRunning, nowMs: Date.now() }) : []
  const findings = [...configFindings(file, loaded), ...daemon.findings, ...around]
  terminal.out(options.json ? `${JSON.stringify(findings, null, 2)}\n` : render(findings))
  return isIll(findings) ? FAILED : FINE
}

function configFindings(file: string, loaded: ReturnType<typeof loadConfig>): Finding[] {
  const as =
    (level: Finding['level'], mend: string | null) =>
    (mistake: Mistake): Finding => ({ level, what: showMistake(mistake), mend })
  const mend = 'mend that line, then `isosyncd --check-config` and `systemctl reload isosyncd`'
  const warnings = loaded.warnings.map(as('note', null))
  if (!loaded.ok) return [...loaded.mistakes.map(as('critical', mend)), ...warnings]
  return [{ level: 'fine', what: `${file} has no mistakes`, mend: null }, ...warnings]
}

async function askDaemon(client: ControlClient): Promise<{ isRunning: boolean; findings: readonly Finding[] }> {
  try {
    const report = await client.status()
    const found = diagnose(report)
    const what = `the daemon runs (pid ${report.pid}, port ${report.listeningPort})`
    const hosts = report.folders.flatMap((folder) => folder.hosts).filter((host) => host.state === 'proven')
    const connected = `${count(new Set(hosts.map((host) => host.host)).size, 'peer')} connected and proven`
    return { isRunning: true, findings: [{ level: 'fine', what: `${what}, ${connected}`, mend: null }, ...found] }
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    const isStopped = error instanceof ControlError && error.code === 'not-running'
    const mend = isStopped ? '`systemctl start isosyncd`' : "run doctor as root, or as the daemon's user"
    return { isRunning: !isStopped, findings: [{ level: 'critical', what, mend }] }
  }
}

function isIll(findings: readonly Finding[]): boolean {
  return ['warning', 'critical'].includes(worst(findings))
}

const SIGNS: Readonly<Record<Finding['level'], string>> = {
  fine: 'fine    ',
  note: 'note    ',
  warning: 'WARNING ',
  critical: 'CRITICAL',
}

function render(findings: readonly Finding[]): string {
  const lines = findings.map(({ level, what, mend }) => {
    const remedy = mend === null ? '' : `\n          to mend it: ${printable(mend)}`
    return `${SIGNS[level]}  ${printable(what)}${remedy}\n`
  })
  const ill = findings.filter(({ level }) => level === 'warning' || level === 'critical').length
  return `${lines.join('')}\n${ill === 0 ? 'All is well.' : `${count(ill, 'thing')} to mend.`}\n`
}
