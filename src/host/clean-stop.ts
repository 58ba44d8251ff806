/**
 * The mark that the index was closed by us and has not been touched since: made when the daemon stops, taken away when
 * it starts. Without it (a crash, a power cut, a file that was copied or written to) the index is checked first.
 */
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncPath } from '../base/sync-path.ts'

/** Takes the mark away; true if it was there and the index is to the last digit of its stat what was closed then. */
export function takeCleanStop(mark: string, index: string): boolean {
  const noted = read(mark)
  if (noted === null) return false
  rmSync(mark, { force: true })
  syncPath(dirname(mark)) // else a crash might bring it back
  return noted === standing(index)
}

/** To be called when the index is closed. A mark that cannot be made costs a check at the next start, nothing else. */
export function leaveCleanStop(mark: string, index: string): void {
  try {
    const fd = openSync(mark, 'w', 0o600)
    try {
      writeSync(fd, standing(index))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {
    rmSync(mark, { force: true })
  }
}

/** Whoever writes to a file or puts another in its place changes one of these. */
function standing(index: string): string {
  const stat = statSync(index, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? 'none' : [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ')
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
