/** `where`, `rescan` and `archive` for people. Pure. */
import pc from 'picocolors'
import {
  type ArchiveListing,
  type HeldReport,
  type NewIdentityReport,
  type PurgeReport,
  type RescanReport,
  type RestoreReport,
  type WhereHost,
  type WhereReport,
} from '../api/api-types.ts'
import { bytes, count, moment, table } from './figures.ts'
import { printable } from './terminal.ts'

export function renderWhere(report: WhereReport, { colors }: { colors: boolean }): string {
  const paint = pc.createColors(colors)
  const stateOf = (host: WhereHost) => (host.state === 'whole' ? paint.green : paint.red)(host.state)
  const rows = report.hosts.map((host) => [
    printable(host.host),
    stateOf(host),
    `${Math.floor(host.percent)} %`,
    host.root?.slice(0, 16) ?? '-',
    printable(host.detail),
  ])
  return `${printable(report.path)} in ${printable(report.folder)}\n${table(['Host', 'State', 'Has', 'Hash', ''], rows)}\n${verdict(report)}\n`
}

export function renderNewIdentity({ formerPeerId }: NewIdentityReport): string {
  return `This host is no longer ${formerPeerId}. The daemon starts anew with an identity and an index of its own; the old ones are kept in storage_path as *.copied-DATE. All files are read once and taken up by content: nothing is deleted, nothing that is equal is sent. \`isosyncd status\` shows how far it is.\n`
}

function verdict(report: WhereReport): string {
  const whole = report.hosts.filter((host) => host.state === 'whole').length
  if (report.everywhere) return `Every known host (${report.hosts.length}) has it whole and verified.`
  const roots = new Set(report.hosts.flatMap((host) => (host.state === 'whole' ? [host.root] : [])))
  const differ = roots.size > 1 ? ', and not all of them the same content' : ''
  return `Not everywhere: ${whole} of ${count(report.hosts.length, 'host')} ${whole === 1 ? 'has' : 'have'} it whole${differ}.`
}

export function renderRescan(report: RescanReport): string {
  return report.folders.map((folder) => `${printable(folder)}: scan asked for, \`isosyncd status\` shows it\n`).join('')
}

/** `what` became of the paths. */
export function renderHeld(reports: readonly HeldReport[], what: string): string {
  const line = ({ folder, paths }: HeldReport) =>
    paths === 0 ? `${printable(folder)}: nothing is held\n` : `${printable(folder)}: ${paths} ${what}\n`
  return reports.map(line).join('')
}

export function renderArchive(listings: readonly ArchiveListing[]): string {
  return listings.map(renderListing).join('\n')
}

function renderListing({ folder, files }: ArchiveListing): string {
  if (files.length === 0) return `${printable(folder)}: the archive is empty\n`
  const rows = files.map((f) => [printable(f.name), bytes(f.size), f.reason, moment(f.archivedMs)])
  const total = files.reduce((sum, file) => sum + file.size, 0)
  return `${printable(folder)}: ${count(files.length, 'archived file')}, ${bytes(total)}\n${table(['Name', 'Size', 'Why', 'Since'], rows)}\n`
}

export function renderRestore(report: RestoreReport): string {
  return `${printable(report.name)} is back as ${printable(report.path)} in ${printable(report.folder)}, and will be on every host\n`
}

export function renderPurge(report: PurgeReport): string {
  return `${printable(report.folder)}: ${count(report.files, 'archived file')} removed for good, ${bytes(report.bytes)}\n`
}
