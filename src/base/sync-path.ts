/** Makes what was written to a file durable, or, of a directory, the names in it. */
import { closeSync, fsyncSync, openSync } from 'node:fs'

export function syncPath(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
