/**
 * The real Hasher: hashes in threads of their own, so that the control loop goes on. Jobs wait in a queue; a thread
 * gets the bare descriptor, which is the caller's to keep open until the promise has settled, also after an abort.
 * Small files, and files without a descriptor, are hashed right here.
 */
import { type Worker } from 'node:worker_threads'
import { assertNever } from '../base/assert.ts'
import { type OpenFile } from '../fs/root.ts'
import { type PieceList } from '../sync/piece-list.ts'
import { type HashThreadData } from './hash-message.ts'
import { type HashResult, HashThread, startHashWorker, type ThreadJob } from './hash-thread.ts'
import { HashedFileChanged, type Hasher, type HashProgress } from './hasher.ts'
import { InlineHasher } from './inline-hasher.ts'
import { readTrouble } from './worker-thread.ts'

/** Hashing this much takes 20 µs, less than a message to a thread and back. */
const SMALL_FILE_BYTES = 128 * 1024

export interface ThreadHasherOptions {
  /** Threads; each takes a whole core while it hashes. Default 1. */
  readonly threads?: number
}

export interface ThreadHasherNeeds {
  readonly start?: (data: HashThreadData) => Worker
}

export class ThreadHasher implements Hasher {
  readonly #inline = new InlineHasher()
  readonly #threads: readonly HashThread[]
  #waiting: ThreadJob[] = []
  #closed = false

  constructor(options: ThreadHasherOptions = {}, needs: ThreadHasherNeeds = {}) {
    const thread = () =>
      new HashThread({
        start: needs.start ?? startHashWorker,
        free: () => this.#hand(),
        unbegun: (jobs) => this.#again(jobs),
      })
    this.#threads = Array.from({ length: options.threads ?? 1 }, thread)
  }

  async hash(file: OpenFile, size: number, progress: HashProgress, signal: AbortSignal): Promise<PieceList> {
    signal.throwIfAborted()
    if (this.#closed) throw new Error('the hasher has been closed')
    const { fd } = file
    if (fd === null || size <= SMALL_FILE_BYTES) return await this.#inline.hash(file, size, progress, signal)
    const result = await this.#inThread(fd, size, progress, signal)
    return await listOf(result, file, size, signal)
  }

  async close(): Promise<void> {
    this.#closed = true
    const waiting = this.#waiting.splice(0)
    for (const job of waiting) job.ended({ type: 'died', how: 'was stopped' })
    await Promise.all(this.#threads.map((thread) => thread.stop()))
  }

  #inThread(fd: number, size: number, progress: HashProgress, signal: AbortSignal): Promise<HashResult> {
    return new Promise((resolve) => {
      const abort = () => this.#cancel(job)
      const ended = (result: HashResult) => {
        signal.removeEventListener('abort', abort)
        resolve(result)
      }
      const job: ThreadJob = { fd, size, progress, ended }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.push(job)
      this.#hand()
    })
  }

  /** Hands waiting jobs to the threads with room, the idlest first. */
  #hand(): void {
    while (this.#waiting.length > 0) {
      const idlest = this.#threads.reduce((a, b) => (b.jobs < a.jobs ? b : a))
      if (!idlest.hasRoom) return
      idlest.run(this.#waiting.shift()!)
    }
  }

  /** A thread died: what it had not begun comes first. */
  #again(jobs: readonly ThreadJob[]): void {
    this.#waiting.unshift(...jobs)
    this.#hand()
  }

  #cancel(job: ThreadJob): void {
    const waiting = this.#waiting.indexOf(job)
    if (waiting === -1) return this.#threads.forEach((thread) => thread.cancel(job))
    this.#waiting.splice(waiting, 1)
    job.ended({ type: 'cancelled', slot: -1 })
  }
}

/** The list of a job that ended well; throws what the others mean. */
async function listOf(result: HashResult, file: OpenFile, size: number, signal: AbortSignal): Promise<PieceList> {
  switch (result.type) {
    case 'done':
      return result.list
    case 'cancelled':
      throw signal.reason
    case 'changed':
      throw new HashedFileChanged(
        `the file of ${size} bytes ${result.how} while it was hashed; it is looked at again later`,
      )
    case 'failed':
      return await readTrouble(file, result.position, ` (${result.error}); it is hashed again at the next rescan`)
    case 'died':
      throw new Error(`the hashing thread ${result.how}; this file is hashed again at the next rescan`)
    default:
      return assertNever(result)
  }
}
