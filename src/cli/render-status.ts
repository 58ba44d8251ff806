/** `isosyncd status` for people. Pure: a report and the time in, text out. */
import pc from 'picocolors'
import { type FolderReport, type FolderState, type HostReport, type StatusReport } from '../api/api-types.ts'
import { bar, bytes, count, duration, percent, rate, table } from './figures.ts'
import { scrubState } from './render-scrub.ts'
import { printable } from './terminal.ts'

export interface RenderOptions {
  readonly colors: boolean
  /** Progress as bars, for a terminal; else in figures alone. */
  readonly bars: boolean
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: number
}

type Colors = ReturnType<typeof pc.createColors>

const BAR_CELLS = 20
/** More of them go into one line that counts the rest: `status --json` has all. */
const MAX_LISTED = 20

export function renderStatus(report: StatusReport, options: RenderOptions): string {
  const colors = pc.createColors(options.colors)
  return (
    [renderSelf(report, colors), ...report.folders.map((folder) => renderFolder(folder, colors, options))].join(
      '\n\n',
    ) + '\n'
  )
}

function renderSelf(report: StatusReport, colors: Colors): string {
  const site = report.site === null ? '' : `, site ${printable(report.site)}`
  const up = `up ${duration(report.uptimeS * 1000)}`
  return [
    `${colors.bold(printable(report.deviceName))}${site}: isosyncd ${report.version}, pid ${report.pid}, port ${report.listeningPort}, ${up}`,
    colors.dim(`peer id ${report.peerId}, storage ${printable(report.storagePath)}`),
  ].join('\n')
}

function renderFolder(folder: FolderReport, colors: Colors, { nowMs, bars }: RenderOptions): string {
  return [
    `${colors.bold(printable(folder.dir))}  ${stateColor(folder.state, colors)(folder.state)}${detail(folder.stateDetail)}`,
    `  ${count(folder.files, 'file')}, ${bytes(folder.bytes)}; ${archived(folder)}; ${scanned(folder, nowMs)}; ${scrubState(folder.scrub, nowMs)}; ${folder.mode}, id ${folder.id}`,
    '',
    renderHosts(folder.hosts, colors),
    ...section(
      'Transfers',
      folder.transfers.map((transfer) => renderTransfer(transfer, bars)),
      colors,
    ),
    ...section(
      'Hashing',
      folder.hashing.map((hashing) => progress(hashing, bars)),
      colors,
    ),
    ...section(
      'Problems',
      folder.problems.map((p) => renderProblem(p, colors)),
      colors,
    ),
  ].join('\n')
}

function archived(folder: FolderReport): string {
  return folder.archive.files === 0
    ? 'archive empty'
    : `archive ${count(folder.archive.files, 'file')}, ${bytes(folder.archive.bytes)}`
}

function scanned({ scan }: FolderReport, nowMs: number): string {
  const last =
    scan.at === null || scan.lastS === null
      ? 'never scanned'
      : `scanned ${duration(nowMs - scan.at)} ago in ${duration(scan.lastS * 1000)}`
  return scan.running ? `scanning now (${last})` : last
}

function renderHosts(hosts: readonly HostReport[], colors: Colors): string {
  if (hosts.length === 0) return '  known_hosts is empty: this folder is synced with nobody'
  const head = ['Host', 'Name', 'State', 'Site', 'Round trip', 'Receiving', 'Sending', 'In sync', '']
  const rows = hosts.map((host) => [
    printable(host.host),
    printable(host.deviceName ?? '-'),
    hostState(host, colors),
    printable(host.site ?? '-'),
    host.rttMs === null ? '-' : `${host.rttMs < 10 ? host.rttMs.toFixed(1) : Math.round(host.rttMs)} ms`,
    rate(host.receiveRate),
    rate(host.sendRate),
    host.inSync === null ? '-' : host.inSync ? 'yes' : 'no',
    printable(host.why),
  ])
  return table(head, rows)
}

function hostState(host: HostReport, colors: Colors): string {
  switch (host.state) {
    case 'self':
      return 'this host'
    case 'proven':
      return colors.green('connected')
    case 'connected':
      return colors.yellow(host.why === '' ? 'proving' : 'unproven')
    case 'dialling':
      return colors.yellow('dialling')
    case 'down':
      return colors.red('down')
  }
}

function renderTransfer(transfer: FolderReport['transfers'][number], bars: boolean): string {
  const left = transfer.etaS === null ? 'time left unknown' : `${duration(transfer.etaS * 1000)} left`
  const from = transfer.sources.length === 0 ? 'from nobody yet' : `from ${transfer.sources.map(printable).join(', ')}`
  return `${progress(transfer, bars)}, ${rate(transfer.rate)}, ${left}, ${from}`
}

function progress({ path, size, doneBytes }: FolderReport['hashing'][number], bars: boolean): string {
  const done = percent(doneBytes, size).padStart(5)
  return `${bars ? `${bar(doneBytes, size, BAR_CELLS)} ` : ''}${done}  ${printable(path)}  ${bytes(doneBytes)} of ${bytes(size)}`
}

function renderProblem(problem: FolderReport['problems'][number], colors: Colors): string {
  const what = problem.path === null ? 'the folder' : printable(problem.path)
  return `${colors.red(problem.kind)}  ${what}: ${printable(problem.detail)}`
}

function section(title: string, lines: readonly string[], colors: Colors): readonly string[] {
  if (lines.length === 0) return []
  const more =
    lines.length > MAX_LISTED ? [`… and ${count(lines.length - MAX_LISTED, 'more')}`.replace(/mores$/, 'more')] : []
  return [
    '',
    `  ${colors.bold(`${title} (${lines.length})`)}`,
    ...[...lines.slice(0, MAX_LISTED), ...more].map((line) => `  ${line}`),
  ]
}

function stateColor(state: FolderState, colors: Colors): (text: string) => string {
  switch (state) {
    case 'synced':
      return colors.green
    case 'scanning':
    case 'syncing':
      return colors.cyan
    case 'paused':
      return colors.yellow
    case 'halted':
      return colors.red
  }
}

function detail(text: string): string {
  return text === '' ? '' : `: ${printable(text)}`
}
