/**
 * Listing a directory. Names are read as Latin-1, one character a byte: five times less garbage than a Buffer each,
 * and sorting them sorts the bytes, the order that the index has too.
 */
import { isUtf8 } from 'node:buffer'
import fs from 'node:fs'
import { type Stat } from '../sync/entry.ts'
import { attempt, codeOf, errnoName } from './fs-errors.ts'
import { type DirHandle } from './handles.ts'
import { type FsErrorCode, type Listing } from './root.ts'
import { statOf } from './stats.ts'
import { readDir } from './system-calls.ts'

/** lstat calls under way at a time: 100,000 take 0.3 s and never hold up the event loop (measured; 8 take 0.9 s). */
const LSTATS_AT_A_TIME = 64

type Look = { readonly stat: Stat } | { readonly failed: FsErrorCode } | null

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
function lookAtAll(dir: DirHandle, names: readonly string[]): Promise<Look[]> {
  const looks: Look[] = new Array<Look>(names.length)
  return new Promise((resolve) => {
    let next = 0
    let open = Math.min(LSTATS_AT_A_TIME, names.length)
    if (open === 0) resolve(looks)
    const lookAtNext = () => {
      const i = next++
      const name = names[i]
      if (name === undefined) {
        if (--open === 0) resolve(looks)
        return
      }
      fs.lstat(dir.at(name), { bigint: true }, (error, stats) => {
        looks[i] = error ? lookFailed(error) : { stat: statOf(stats) }
        lookAtNext()
      })
    }
    for (let lane = open; lane > 0; lane--) lookAtNext()
  })
}

function lookFailed(error: Error): Look {
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
