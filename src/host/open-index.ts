/**
 * The index of this host, or a new one where the old one cannot be relied on:
 *
 *   closed by us, untouched since      -> opened
 *   a crash, or touched from outside   -> opened, and read through (quick_check)
 *   damaged                            -> set aside, kept with its date; a new one with a new replica id
 *
 * A new index takes up by content what lies in the roots: nothing is deleted, and nothing that is equal is sent.
 */
import { existsSync } from 'node:fs'
import { type Log } from '../base/log.ts'
import { IndexError } from '../db/index-error.ts'
import { type IndexDatabase, openIndexDatabase } from '../db/open.ts'
import { takeCleanStop } from './clean-stop.ts'
import { setAside } from './set-aside.ts'

export interface IndexFiles {
  readonly index: string
  /** clean-stop.ts */
  readonly mark: string
}

/** Throws IndexError where the operator must decide: another program's, a later isosyncd's, or not to be opened. */
export function openIndex(files: IndexFiles, needs: { log: Log; now: () => number }): IndexDatabase {
  const { log } = needs
  const isClean = takeCleanStop(files.mark, files.index)
  if (!existsSync(files.index)) return openIndexDatabase(files.index, needs)
  const found = openUndamaged(files.index, isClean, log)
  if (typeof found !== 'string') return found
  const aside = setAside(files.index, 'damaged', needs.now())
  log.error(
    { kept: aside, damage: found },
    `the index is damaged (${found}): it is kept as ${aside}, and a new one is made. All files are read once and taken up by content; nothing is deleted, nothing that is equal is sent`,
  )
  return openIndexDatabase(files.index, needs)
}

/** The index, or in words what is damaged. */
function openUndamaged(file: string, isClean: boolean, log: Log): IndexDatabase | string {
  try {
    const index = openIndexDatabase(file, { log })
    const damage = isClean ? [] : index.quickCheck()
    if (damage.length === 0) return index
    index.close()
    return damage.slice(0, 3).join('; ')
  } catch (error) {
    if (error instanceof IndexError && error.code === 'corrupt')
      return error.cause instanceof Error ? error.cause.message : 'it is no database'
    throw error
  }
}
