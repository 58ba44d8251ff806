/**
 * One daemon at a time on a folder, and on a storage_path: an exclusive lock on a file that names its owner by pid.
 * The kernel gives it back however the owner ends, so the file may stay. Where there is no flock (no koffi, or a
 * filesystem without), the file is the lock itself: pid and start time tell whether its owner still runs.
 */
import fs from 'node:fs'
import { flockExclusive } from '../base/native.ts'
import { attemptNow, errnoName } from './fs-errors.ts'

const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants

export interface Lock {
  release(): void
}

/** Who has the lock; null when the file does not say (its owner has taken it this very moment). */
export interface Held {
  readonly heldBy: number | null
}

/** Takes the lock, making `file` in a directory that is there. Throws FsError when the file cannot be made. */
export function acquireLock(file: string): Lock | Held {
  return attemptNow(file, 'cannot take the lock', () => {
    const fd = fs.openSync(file, O_RDWR | O_CREAT | O_NOFOLLOW, 0o644)
    const ours = flockExclusive(fd)
    if (ours === true) return lockByKernel(fd)
    fs.closeSync(fd)
    return ours === false ? { heldBy: readOwner(file)?.pid ?? null } : lockByName(file)
  })
}

function lockByKernel(fd: number): Lock {
  try {
    fs.ftruncateSync(fd)
    fs.writeSync(fd, ownName(), 0)
  } catch (error) {
    fs.closeSync(fd) // or the next try would find it locked, by ourselves
    throw error
  }
  let held = true
  return {
    release() {
      if (held) fs.closeSync(fd)
      held = false
    },
  }
}

/** A hard link appears under a free name or not at all: of two daemons that start together, one gets it. */
function lockByName(file: string): Lock | Held {
  const owner = readOwner(file)
  if (owner !== null && startTime(owner.pid) === owner.started) return { heldBy: owner.pid }
  fs.rmSync(file, { force: true })
  const own = `${file}.${process.pid}`
  fs.writeFileSync(own, ownName())
  try {
    fs.linkSync(own, file)
    return { release: () => fs.rmSync(file, { force: true }) }
  } catch (error) {
    if (errnoName(error) !== 'EEXIST') throw error
    return { heldBy: readOwner(file)?.pid ?? null }
  } finally {
    fs.rmSync(own)
  }
}

function ownName(): string {
  return `${process.pid} ${startTime(process.pid)}\n`
}

function readOwner(file: string): { pid: number; started: string } | null {
  const [, pid, started] = /^(\d+) (\d+)\n/.exec(fs.readFileSync(file, 'utf8')) ?? []
  return pid === undefined || started === undefined ? null : { pid: Number(pid), started }
}

/** Clock ticks after boot when a process began (proc(5), stat, field 22), which a later process of that pid has not. */
function startTime(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in field 2 may hold anything: count from its closing parenthesis.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
