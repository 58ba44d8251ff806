/** What the system says of a file, as a Stat. */
import { type BigIntStats, fstatSync } from 'node:fs'
import { type Stat } from '../sync/entry.ts'
import { attemptNow } from './fs-errors.ts'

/** BigIntStats cost no more than the others and are exact: milliseconds as doubles lose the last microsecond. */
export function statOf(stats: BigIntStats): Stat {
  return {
    kind: kindOf(stats),
    size: Number(stats.size),
    mtimeUs: toMicroseconds(stats.mtimeNs),
    ctimeUs: toMicroseconds(stats.ctimeNs),
    inode: Number(stats.ino),
  }
}

/** The Stat of an open file. */
export function statOfOpen(fd: number, shown: string): Stat {
  return attemptNow(shown, 'cannot look at it', () => statOf(fstatSync(fd, { bigint: true })))
}

function kindOf(stats: BigIntStats): Stat['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'link' : 'other'
}

/** Rounded down, also before 1970. */
function toMicroseconds(ns: bigint): number {
  const us = ns / 1000n
  return Number(ns < 0n && us * 1000n !== ns ? us - 1n : us)
}
