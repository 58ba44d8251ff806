/**
 * Listing a directory. Names are read as Latin-1, one character a byte: five times less garbage than a Buffer each,
 * and sorting them sorts the bytes, the order that the index has too.
 */
import { isUtf8 } from 'node:buffer'
import fs from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Stat } from '../sync/entry.ts'
import { attempt, codeOf, errnoName } from './fs-errors.ts'
import { type DirHandle } from './handles.ts'
import { type FsErrorCode, type Listing } from './root.ts'
import { statOf } from './stats.ts'
import { readDir } from './system-calls.ts'

/** While the inodes are cached, a plain lstat costs 4 µs and one on a thread 8 to 10 (measured, 100,000 files). */
const CACHED_LSTAT_MS = 2
/** So many that took longer have waited for the disk, not for the collector: the others are asked for on threads. */
const MAX_SLOW_LSTATS = 8
/** The event loop gets its turn after this long. */
const CHUNK_MS = 5
/** lstat calls on threads at a time: fewer leave the disk idle, more gain nothing (measured). */
const LSTATS_AT_A_TIME = 64

/** What lstat says, or why it does not; null for what has gone. */
export type Look = { readonly stat: Stat } | { readonly failed: FsErrorCode } | null

/** All that stands in `dir` but for the names that `isHidden`. A name that vanishes meanwhile is left out. */
export async function listDirectory(dir: DirHandle, isHidden: (name: string) => boolean): Promise<Listing> {
  const raw = await attempt(dir.shown, 'cannot list the directory', () => readDir(dir.self, { encoding: 'latin1' }))
  const names: string[] = []
  const unusable: { shown: string; reason: 'not-utf8' | FsErrorCode }[] = []
  for (const bytes of raw.sort()) {
    const name = decodeName(bytes)
    if (name === null) unusable.push({ shown: dir.showChild(showBytes(bytes)), reason: 'not-utf8' })
    else if (!isHidden(name)) names.push(name)
  }
  const looks = await lookAtAll(dir, names)
  const children: { name: string; stat: Stat }[] = []
  names.forEach((name, i) => {
    const look = looks[i] ?? null
    if (look === null) return
    if ('stat' in look) children.push({ name, stat: look.stat })
    else unusable.push({ shown: dir.showChild(name), reason: look.failed })
  })
  return { children, unusable }
}

/** lstat of each name, in order. Never rejects: trouble belongs to its name. */
async function lookAtAll(dir: DirHandle, names: readonly string[]): Promise<Look[]> {
  const looks = await lookWhileCached(dir, names)
  if (looks.length < names.length) await lookOnThreads(dir, names, looks)
  return looks
}

/** Looks until it is done, or the disk makes it wait too often: what it gives ends there. */
async function lookWhileCached(dir: DirHandle, names: readonly string[]): Promise<Look[]> {
  const looks: Look[] = []
  let slow = 0
  let before = performance.now()
  let turn = before
  for (const name of names) {
    looks.push(lookNow(dir, name))
    const after = performance.now()
    if (after - before > CACHED_LSTAT_MS && ++slow > MAX_SLOW_LSTATS) break
    before = after
    if (after - turn < CHUNK_MS) continue
    await nextTurn()
    turn = before = performance.now()
  }
  return looks
}

function lookNow(dir: DirHandle, name: string): Look {
  try {
    const stats = fs.lstatSync(dir.at(name), { bigint: true, throwIfNoEntry: false })
    return stats === undefined ? null : { stat: statOf(stats) }
  } catch (error) {
    return lookFailed(error)
  }
}

/** Fills `looks` up from where it ends. */
export function lookOnThreads(dir: DirHandle, names: readonly string[], looks: Look[]): Promise<void> {
  let next = looks.length
  let lanes = Math.min(LSTATS_AT_A_TIME, names.length - next)
  return new Promise((resolve) => {
    const lookAtNext = () => {
      const i = next++
      const name = names[i]
      if (name === undefined) {
        if (--lanes === 0) resolve()
        return
      }
      fs.lstat(dir.at(name), { bigint: true }, (error, stats) => {
        looks[i] = error ? lookFailed(error) : { stat: statOf(stats) }
        lookAtNext()
      })
    }
    for (let lane = lanes; lane > 0; lane--) lookAtNext()
  })
}

function lookFailed(error: unknown): Look {
  return errnoName(error) === 'ENOENT' ? null : { failed: codeOf(error) }
}

/** The name that these bytes (as Latin-1) are in UTF-8; null when they are none. */
function decodeName(bytes: string): string | null {
  // Plain ASCII is the same in both: most names.
  if (/^[\x00-\x7f]*$/.test(bytes)) return bytes
  const buffer = Buffer.from(bytes, 'latin1')
  return isUtf8(buffer) ? buffer.toString('utf8') : null
}

/** For people: each byte outside printable ASCII as `\xe4`. */
export function showBytes(bytes: string): string {
  return bytes.replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
