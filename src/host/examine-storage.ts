/** What `doctor` finds in storage_path: identity, index, and what was set aside. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { type Finding } from '../api/finding.ts'
import { type ExaminedIndex, examineIndex } from '../db/examine.ts'
import { storageFiles } from './open-storage.ts'
import { setAsideOf } from './set-aside.ts'

/** The index grows by some hundred bytes a file, and its write-ahead log by 16 MiB. */
const LITTLE_SPACE_BYTES = 64 << 20
const OTHERS = 0o077

export interface StorageExamined {
  readonly findings: readonly Finding[]
  /** Null while a daemon has it open, and where there is none. */
  readonly index: ExaminedIndex | null
}

export function examineStorage(path: string, isRunning: boolean): StorageExamined {
  if (!existsSync(path))
    return {
      findings: [note(`storage_path ${path} is not there yet: the daemon makes it at its first start`)],
      index: null,
    }
  const files = storageFiles(path)
  const index = isRunning || !existsSync(files.index) ? null : examineIndex(files.index)
  const findings = [
    ...placeOf(path),
    ...identityOf(files.identity),
    indexFinding(files.index, isRunning, index),
    ...setAsideOf(files.index).map((aside) =>
      note(`${aside} was set aside: it is kept for whoever wants to look into it, and may be removed`),
    ),
  ]
  return { findings, index }
}

function placeOf(path: string): Finding[] {
  const { bavail, bsize } = statfsSync(path)
  const found: Finding[] = []
  if (!isWritable(path))
    found.push(
      bad(
        `storage_path ${path} cannot be written by this user`,
        `chown -R isosyncd:isosyncd ${path}, or run doctor as the daemon's user`,
      ),
    )
  if (bavail * bsize < LITTLE_SPACE_BYTES)
    found.push(
      bad(
        `storage_path ${path} has only ${Math.floor((bavail * bsize) >> 20)} MiB of room: the index cannot grow`,
        `make room: \`df ${path}\``,
      ),
    )
  return found.length > 0 ? found : [fine(`storage_path ${path} is there and can be written`)]
}

function identityOf(file: string): Finding[] {
  if (!existsSync(file)) return [note(`there is no identity yet: it is made at the next start`)]
  const { mode, size } = statSync(file)
  if (size !== 32)
    return [bad(`${file} is no identity: it has ${size} bytes, not 32`, `rm ${file}; the daemon makes a new one`)]
  if ((mode & OTHERS) === 0) return []
  return [
    {
      level: 'warning',
      what: `${file} can be read by others: whoever has it can pass for this host`,
      mend: `chmod 600 ${file}`,
    },
  ]
}

function indexFinding(file: string, isRunning: boolean, index: ExaminedIndex | null): Finding {
  if (isRunning) return fine('the index is open in the running daemon, which checked it at its start')
  if (index === null)
    return note('there is no index: at the next start all files are read and taken up by content; nothing is deleted')
  if (index.unseen !== null)
    return {
      level: 'warning',
      what: `the index ${file} cannot be looked at (${index.unseen}): its disk takes no writes, or this user may not`,
      mend: `make room: \`df ${file}\`; or run doctor as the daemon's user`,
    }
  if (index.damage.length === 0) return fine(`the index ${file} is undamaged`)
  return {
    level: 'warning',
    what: `the index ${file} is damaged: ${index.damage[0] ?? ''}`,
    mend: '`systemctl start isosyncd`: it sets the index aside and takes all up by content; nothing is deleted',
  }
}

export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

export const fine = (what: string): Finding => ({ level: 'fine', what, mend: null })
export const note = (what: string): Finding => ({ level: 'note', what, mend: null })
export const bad = (what: string, mend: string): Finding => ({ level: 'critical', what, mend })
