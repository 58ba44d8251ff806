/** `where`, `rescan`, `approve`, `discard` and `archive`: ask the daemon once, print, and turn the answer into an exit status. */
import { type PurgeWhat } from '../api/api-types.ts'
import { type ControlClient } from '../api/client.ts'
import { FAILED, FINE, UsageError } from './exit-code.ts'
import {
  renderArchive,
  renderHeld,
  renderNewIdentity,
  renderPurge,
  renderRescan,
  renderRestore,
  renderWhere,
} from './render-answers.ts'
import { type Terminal } from './terminal.ts'

export interface AnswerOptions {
  readonly folder?: string
  readonly json?: boolean
}

export async function where(
  client: ControlClient,
  name: string,
  options: AnswerOptions,
  terminal: Terminal,
): Promise<number> {
  const report = await client.where(name, options.folder)
  print(report, options, terminal, () => renderWhere(report, terminal))
  return report.everywhere ? FINE : FAILED
}

export async function rescan(client: ControlClient, options: AnswerOptions, terminal: Terminal): Promise<number> {
  const report = await client.rescan(options.folder)
  print(report, options, terminal, () => renderRescan(report))
  return FINE
}

export async function approve(
  client: ControlClient,
  path: string | undefined,
  options: AnswerOptions,
  terminal: Terminal,
): Promise<number> {
  const { folder } = options
  const where = folder === undefined ? {} : { folder }
  const reports = await client.approve(path === undefined ? where : { ...where, path })
  print(reports, options, terminal, () => renderHeld(reports, path === undefined ? 'let go' : 'taken as whole'))
  return FINE
}

export async function discard(client: ControlClient, options: AnswerOptions, terminal: Terminal): Promise<number> {
  const reports = await client.discard(options.folder)
  print(reports, options, terminal, () => renderHeld(reports, 'coming back'))
  return FINE
}

export async function newIdentity(client: ControlClient, options: AnswerOptions, terminal: Terminal): Promise<number> {
  const report = await client.newIdentity()
  print(report, options, terminal, () => renderNewIdentity(report))
  return FINE
}

export async function archiveList(client: ControlClient, options: AnswerOptions, terminal: Terminal): Promise<number> {
  const listings = await client.archiveList(options.folder)
  print(listings, options, terminal, () => renderArchive(listings))
  return FINE
}

export async function archiveRestore(
  client: ControlClient,
  name: string,
  options: AnswerOptions & { readonly to?: string },
  terminal: Terminal,
): Promise<number> {
  const { folder, to } = options
  const report = await client.archiveRestore(name, {
    ...(folder === undefined ? {} : { folder }),
    ...(to === undefined ? {} : { to }),
  })
  print(report, options, terminal, () => renderRestore(report))
  return FINE
}

export async function archivePurge(
  client: ControlClient,
  name: string | undefined,
  options: AnswerOptions & { readonly olderThan?: string; readonly all?: boolean },
  terminal: Terminal,
): Promise<number> {
  const report = await client.archivePurge(purgeWhat(name, options), options.folder)
  print(report, options, terminal, () => renderPurge(report))
  return FINE
}

/** Exactly one of NAME, --older-than DAYS and --all. */
function purgeWhat(
  name: string | undefined,
  options: { readonly olderThan?: string; readonly all?: boolean },
): PurgeWhat {
  const { olderThan, all } = options
  const given = [name !== undefined, olderThan !== undefined, all === true].filter(Boolean).length
  if (given !== 1) throw new UsageError('say what to remove for good: either NAME, or --older-than DAYS, or --all')
  if (name !== undefined) return { what: 'name', name }
  if (olderThan === undefined) return { what: 'all' }
  const days = Number(olderThan)
  if (olderThan.trim() === '' || !(days >= 0))
    throw new UsageError(`--older-than takes a number of days, not '${olderThan}'`)
  return { what: 'older', days }
}

function print(answer: unknown, { json }: AnswerOptions, terminal: Terminal, render: () => string): void {
  terminal.out(json === true ? `${JSON.stringify(answer, null, 2)}\n` : render())
}
