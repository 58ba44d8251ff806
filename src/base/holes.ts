/**
 * Finds the holes of sparse files by lseek(SEEK_DATA), so that a 100 GB image which is mostly hole is not read. Node
 * has no lseek; koffi, an optional dependency, calls it. Without koffi holes are read as the zeros they are.
 */
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import type * as Koffi from 'koffi'

/** linux/fs.h; the same on every Linux. */
const SEEK_DATA = 3

/** Where data begins at or behind `offset`; `offset` itself when that cannot be told, Infinity when none follows. */
export type FindData = (fd: number, offset: number) => number

/** Null where the system cannot be asked. Moves the descriptor's file offset: for positioned reads only. */
export function loadFindData(): FindData | null {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi
    const lseek = koffi.load(null).func('int64_t lseek(int fd, int64_t offset, int whence)')
    return (fd, offset) => {
      const data = Number(lseek(fd, offset, SEEK_DATA))
      if (data >= 0) return data
      return koffi.errno() === constants.errno.ENXIO ? Infinity : offset
    }
  } catch {
    return null
  }
}
