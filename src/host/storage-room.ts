/** Whether the disk of storage_path takes writes: asked while the index could not be written. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What some transactions of an index need. */
const PROBE_BYTES = 1024 * 1024

export async function takesWrites(storagePath: string): Promise<boolean> {
  const probe = join(storagePath, 'probe')
  try {
    await writeFile(probe, Buffer.alloc(PROBE_BYTES), { flush: true })
    return true
  } catch {
    return false
  } finally {
    await rm(probe, { force: true }).catch(() => {}) // read-only: then it could not be made either
  }
}
