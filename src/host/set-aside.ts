/** Files of storage_path that must not be used any more are kept under another name, with the reason and the date. */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Why: 'damaged', 'outdated' (peers remember more than it does), or 'copied' (another host has the same). */
export type SetAsideReason = 'damaged' | 'outdated' | 'copied'

/** An index may have hundreds of megabytes: older ones go, or a disk that keeps failing would fill up. */
const KEPT = 3
/** What SQLite keeps beside a database. */
const WITH_IT = ['-wal', '-shm']

const NAME = /\.(damaged|outdated|copied)-\d{8}T\d{6}Z(-\d+)?$/

/** Renames `file` and what belongs to it; returns the new name, or null if there was nothing. */
export function setAside(file: string, why: SetAsideReason, nowMs: number): string | null {
  if (!existsSync(file)) {
    for (const end of WITH_IT) rmSync(`${file}${end}`, { force: true })
    return null
  }
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const aside = free(`${file}.${why}-${stamp}`)
  // The log first: a new database must never find that of another.
  for (const end of [...WITH_IT, '']) if (existsSync(`${file}${end}`)) renameSync(`${file}${end}`, `${aside}${end}`)
  for (const old of setAsideOf(file).slice(KEPT))
    for (const end of [...WITH_IT, '']) rmSync(`${old}${end}`, { force: true })
  return aside
}

/** What was set aside of `file` and is still there, newest first. */
export function setAsideOf(file: string): readonly string[] {
  const names = readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.`) && NAME.test(name))
  const date = (name: string) => name.slice(name.lastIndexOf('-', name.indexOf('Z')))
  return names.sort((a, b) => (date(a) < date(b) ? 1 : -1)).map((name) => join(dirname(file), name))
}

function free(wanted: string): string {
  for (let i = 0; ; i++) {
    const name = i === 0 ? wanted : `${wanted}-${i}`
    if (!existsSync(name)) return name
  }
}
