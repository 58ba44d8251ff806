/** Whether the disk of storage_path takes writes: asked at the start, and while the index could not be written. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What some transactions of an index need. */
const PROBE_BYTES = 1024 * 1024
/** It may take some later, without anybody's changing a right or a path. */
const FOR_NOW = new Set(['ENOSPC', 'EDQUOT', 'EROFS'])

export async function takesWrites(storagePath: string): Promise<boolean> {
  return (await troubleOf(storagePath)) === null
}

/** In the words of the system why it takes none for now; null where it does, or never will. */
export async function whyNoWrites(storagePath: string): Promise<string | null> {
  const trouble = await troubleOf(storagePath)
  return trouble !== null && FOR_NOW.has(trouble.code ?? '') ? trouble.message : null
}

async function troubleOf(storagePath: string): Promise<NodeJS.ErrnoException | null> {
  const probe = join(storagePath, 'probe')
  try {
    await writeFile(probe, Buffer.alloc(PROBE_BYTES), { flush: true })
    return null
  } catch (error) {
    return error as NodeJS.ErrnoException
  } finally {
    await rm(probe, { force: true }).catch(() => {}) // read-only: then it could not be made either
  }
}
