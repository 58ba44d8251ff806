/** storage_path: made if it is not there, held against a second daemon, and its index opened. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type IndexDatabase } from '../db/open.ts'
import { acquireLock, type Lock } from '../fs/root-lock.ts'
import { leaveCleanStop } from './clean-stop.ts'
import { openIndex } from './open-index.ts'
import { setAside, type SetAsideReason } from './set-aside.ts'

export interface Storage extends Disposable {
  readonly index: IndexDatabase
  readonly identityFile: string
  readonly socketPath: string
  /** When it is closed, the index is set aside (and if it is a copy, the identity): the next opening makes new ones. */
  renewAtClose(why: SetAsideReason): void
}

/** The files in a storage_path. */
export function storageFiles(path: string) {
  const file = (name: string) => join(path, name)
  return {
    lock: file('lock'),
    index: file('index.db'),
    mark: file('clean-stop'),
    identity: file('identity.key'),
    socket: file('control.sock'),
  }
}

/** Throws when another daemon holds it (with its pid), or the index cannot be opened. */
export function openStorage(path: string, needs: { log: Log; clock: Pick<Clock, 'now'> }): Storage {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const files = storageFiles(path)
  const lock = takeLock(files.lock, `storage_path ${path}`)
  const now = () => needs.clock.now()
  const index = openLocked(lock, () => openIndex(files, { log: needs.log, now }))
  let renewal: SetAsideReason | null = null
  return {
    index,
    identityFile: files.identity,
    socketPath: files.socket,
    renewAtClose(why) {
      renewal = why
    },
    [Symbol.dispose]() {
      index.close()
      if (renewal === null) leaveCleanStop(files.mark, files.index)
      else setAside(files.index, renewal, now())
      if (renewal === 'copied') setAside(files.identity, renewal, now())
      lock.release()
    },
  }
}

/** The lock is given back where it did not open: the next try is not to find it taken, by ourselves. */
function openLocked(lock: Lock, open: () => IndexDatabase): IndexDatabase {
  try {
    return open()
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Another daemon has it. */
export class InUse extends Error {
  override readonly name = 'InUse'
}

/** The lock of something that only one daemon may use; throws InUse with the pid of the one that has it. */
export function takeLock(file: string, what: string): Lock {
  const taken = acquireLock(file)
  if ('release' in taken) return taken
  const who = taken.heldBy === null ? 'another isosyncd' : `another isosyncd with process id ${taken.heldBy}`
  throw new InUse(`${what} is in use by ${who}: stop that one first`)
}
