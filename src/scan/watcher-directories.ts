/**
 * The directories in a directory, as chokidar wants to be told of them. Its own way looks at every file too, and at all
 * directories at a time: in a pool of a million files that was a gigabyte of promises.
 */
import { lstatSync, type Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import PQueue from 'p-queue'

/** Read at a time: more only wait for the same disk, with their names in memory. */
const AT_A_TIME = 4
/** It went, or may not be read: then there is nothing to watch in it. The scanner tells of what matters. */
const NOTHING_TO_SEE = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'])

/** What chokidar knows of an entry. */
export interface DirectoryEntry {
  readonly path: string
  readonly fullPath: string
  readonly basename: string
  readonly stats: Stats
}

const reads = new PQueue({ concurrency: AT_A_TIME })

/** Those for which `isWanted`. Throws what the system says of a directory that should be readable. */
export async function* subdirectories(
  directory: string,
  isWanted: (entry: DirectoryEntry) => boolean,
): AsyncGenerator<DirectoryEntry> {
  for (const name of await reads.add(() => directoryNames(directory))) {
    const fullPath = join(directory, name)
    const stats = lstatSync(fullPath, { throwIfNoEntry: false })
    if (stats?.isDirectory() !== true) continue
    const entry = { path: name, fullPath, basename: name, stats }
    if (isWanted(entry)) yield entry
  }
}

async function directoryNames(directory: string): Promise<readonly string[]> {
  try {
    const found = await readdir(directory, { withFileTypes: true })
    return found.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOTHING_TO_SEE.has(String(error.code))) return []
    throw error
  }
}
