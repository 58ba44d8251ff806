/** storage_path: made if it is not there, held against a second daemon, and its index opened. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Log } from '../base/log.ts'
import { type IndexDatabase, openIndexDatabase } from '../db/open.ts'
import { acquireLock, type Lock } from '../fs/root-lock.ts'

export interface Storage extends Disposable {
  readonly index: IndexDatabase
  readonly identityFile: string
  readonly socketPath: string
}

/** Throws when another daemon holds it (with its pid), or the index cannot be opened. */
export function openStorage(path: string, needs: { log: Log }): Storage {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const lock = takeLock(join(path, 'lock'), `storage_path ${path}`)
  const index = openIndexDatabase(join(path, 'index.db'), { log: needs.log })
  return {
    index,
    identityFile: join(path, 'identity.key'),
    socketPath: join(path, 'control.sock'),
    [Symbol.dispose]() {
      index.close()
      lock.release()
    },
  }
}

/** The lock of something that only one daemon may use; throws with the pid of the one that has it. */
export function takeLock(file: string, what: string): Lock {
  const taken = acquireLock(file)
  if ('release' in taken) return taken
  const who = taken.heldBy === null ? 'another isosyncd' : `another isosyncd with process id ${taken.heldBy}`
  throw new Error(`${what} is in use by ${who}: stop that one first`)
}
