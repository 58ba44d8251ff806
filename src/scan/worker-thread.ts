/** What the threads of this room have in common: how they are started, and what a number says of a file. */
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { FsError, type OpenFile } from '../fs/root.ts'
import { SECTOR_BYTES } from '../sync/piece-list.ts'

/** Starts a body of this folder: as it stands in a checkout, compiled in a package. */
export function startThread(body: 'hash-worker' | 'check-worker', options: WorkerOptions): Worker {
  const end = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new Worker(new URL(`./${body}${end}`, import.meta.url), options)
}

/** A thread knows only a number: reads the bad place again through the file, whose errors name its path. */
export async function readTrouble(file: OpenFile, position: number, otherwise: string): Promise<never> {
  await file.read(Buffer.allocUnsafe(SECTOR_BYTES), position)
  throw new FsError('io', 'a file', `reading it at byte ${position} failed${otherwise}`)
}
