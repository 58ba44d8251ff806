/**
 * Files that say which process holds something: pid_file for the operator, and the locks that refuse a second daemon on
 * one storage_path or one folder. Node has no flock, so a file counts as held while its process lives and is isosyncd.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface PidFile {
  readonly path: string
  /** Removes the file, if it is still ours. */
  release(): void
}

/** Another isosyncd lives and holds the file. */
export class HeldByAnother extends Error {
  override readonly name = 'HeldByAnother'
  readonly pid: number
  constructor(path: string, pid: number) {
    super(
      `isosyncd is already running with process id ${pid}, says ${path}: stop that one first, or give this one its own`,
    )
    this.pid = pid
  }
}

/** Two daemons that start at the same moment may each find the other's file once. */
const MAX_ATTEMPTS = 3

/** Takes `path` for this process, making its directory. A stale file is taken over. Throws HeldByAnother. */
export function takePidFile(path: string): PidFile {
  mkdirSync(dirname(path), { recursive: true })
  const own = `${path}.${process.pid}`
  writeFileSync(own, `${process.pid}\n`, { mode: 0o644 })
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (linkedTo(own, path)) return { path, release: () => release(path) }
      const pid = pidIn(path)
      if (pid !== null && isOtherIsosyncd(pid)) throw new HeldByAnother(path, pid)
      removeStale(path, pid)
    }
    throw new Error(`${path} cannot be taken: other processes keep making it`)
  } finally {
    unlinkSync(own)
  }
}

/** A link is made only where nothing is: of two daemons that start together, one gets it. */
function linkedTo(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Moves the stale file aside before removing it; what turns out to be another's new file is put back. */
function removeStale(path: string, stalePid: number | null): void {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (pidIn(aside) !== stalePid) linkedTo(aside, path)
  unlinkSync(aside)
}

function release(path: string): void {
  if (pidIn(path) === process.pid) unlinkSync(path)
}

/** The process id in the file; null if it is gone or holds none. */
function pidIn(path: string): number | null {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : null
  } catch {
    return null
  }
}

/** The id may have been given to another program since, or to ourselves (a container's first process is always 1). */
function isOtherIsosyncd(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    // main.ts names the process; an editor that has our config open is called something else.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('isosyncd')
  } catch {
    return false
  }
}
