/**
 * One hashing thread and the jobs that are with it. Starts the thread with the first job; a thread that dies takes the
 * job that it was at along, gives the others back, and is followed by a new one.
 */
import { type Worker } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import { type PieceList } from '../sync/piece-list.ts'
import { type HashJob, type HashReply, type HashThreadData, SLOTS } from './hash-message.ts'
import { type HashProgress } from './hasher.ts'
import { startThread } from './worker-thread.ts'

/** How a job ended. 'died': the thread crashed over it; `how` says why. */
export type HashResult =
  | Exclude<HashReply, { type: 'progress' | 'done' }>
  | { readonly type: 'done'; readonly list: PieceList }
  | { readonly type: 'died'; readonly how: string }

export interface ThreadJob {
  readonly fd: number
  readonly size: number
  readonly progress: HashProgress
  ended(result: HashResult): void
}

export interface HashThreadNeeds {
  readonly start: (data: HashThreadData) => Worker
  /** The thread has room for another job. */
  readonly free: () => void
  /** These jobs were not begun: another thread must do them. */
  readonly unbegun: (jobs: readonly ThreadJob[]) => void
}

export function startHashWorker(data: HashThreadData): Worker {
  return startThread('hash-worker', { workerData: data, name: 'isosyncd-hash' })
}

export class HashThread {
  readonly #needs: HashThreadNeeds
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(SLOTS * 4))
  /** By slot, in the order sent. */
  readonly #jobs = new Map<number, ThreadJob>()
  #worker: Worker | null = null

  constructor(needs: HashThreadNeeds) {
    this.#needs = needs
  }

  get hasRoom(): boolean {
    return this.#jobs.size < SLOTS
  }

  get jobs(): number {
    return this.#jobs.size
  }

  run(job: ThreadJob): void {
    const slot = [...Array(SLOTS).keys()].find((s) => !this.#jobs.has(s))
    assert(slot !== undefined, 'a job was given to a hashing thread that has no room')
    this.#worker ??= this.#start()
    this.#worker.ref()
    Atomics.store(this.#cancelled, slot, 0)
    this.#jobs.set(slot, job)
    this.#worker.postMessage({ slot, fd: job.fd, size: job.size } satisfies HashJob)
  }

  /** The job ends as 'cancelled' once the thread has let go of the descriptor, if it does not end before. */
  cancel(job: ThreadJob): void {
    for (const [slot, running] of this.#jobs) if (running === job) Atomics.store(this.#cancelled, slot, 1)
  }

  /** Ends the thread. Jobs with it end as 'died'. */
  async stop(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
    const jobs = [...this.#jobs.values()]
    this.#jobs.clear()
    for (const job of jobs) job.ended({ type: 'died', how: 'was stopped' })
  }

  #start(): Worker {
    const worker = this.#needs.start({ cancelled: this.#cancelled.buffer })
    let how = 'ended unexpectedly'
    worker.on('message', (reply: HashReply) => this.#heard(reply))
    worker.on('error', (error) => (how = `crashed: ${error instanceof Error ? error.message : String(error)}`))
    worker.on('exit', () => this.#exited(worker, how))
    return worker
  }

  #heard(reply: HashReply): void {
    const job = this.#jobs.get(reply.slot)
    if (job === undefined) return
    if (reply.type === 'progress') return job.progress(reply.bytes, reply.pieces)
    this.#jobs.delete(reply.slot)
    if (this.#jobs.size === 0) this.#worker?.unref()
    job.ended(reply)
    this.#needs.free()
  }

  #exited(worker: Worker, how: string): void {
    if (this.#worker !== worker) return
    this.#worker = null
    const [begun, ...unbegun] = this.#jobs.values()
    this.#jobs.clear()
    begun?.ended({ type: 'died', how })
    this.#needs.unbegun(unbegun)
  }
}
