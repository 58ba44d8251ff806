/**
 * The real PieceChecker: reads in a thread of its own, at idle I/O priority. The thread is there only while there is
 * something to check: started with the first job, ended by `rest`.
 */
import { type Worker } from 'node:worker_threads'
import { type OpenFile } from '../fs/root.ts'
import { HASH_BYTES, type PieceList, pieceOffsets } from '../sync/piece-list.ts'
import { type CheckJob, type CheckReply } from './check-message.ts'
import { type Checked, type PieceChecker } from './piece-checker.ts'
import { readTrouble, startThread } from './worker-thread.ts'

export class ThreadChecker implements PieceChecker {
  #worker: Worker | null = null
  /** The jobs one after the other: the thread takes one at a time. */
  #last: Promise<unknown> = Promise.resolve()

  async check(file: OpenFile, list: PieceList, from: number, to: number): Promise<Checked> {
    const { fd } = file
    if (fd === null) throw new Error('isosyncd bug: a file without a descriptor cannot be checked in a thread')
    const offsets = pieceOffsets(list).slice(from, to + 1)
    const hashes = list.hashes.slice(from * HASH_BYTES, to * HASH_BYTES)
    const turn = this.#last.then(() => this.#run({ fd, offsets, hashes }))
    this.#last = turn.catch(() => undefined)
    const reply = await turn
    if (reply.type === 'failed') return await readTrouble(file, reply.position, ', and not when it was tried again')
    return { bad: reply.bad.map((i) => from + i), readMs: reply.readMs }
  }

  async rest(): Promise<void> {
    await this.#last
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  #run(job: CheckJob): Promise<CheckReply> {
    const worker = (this.#worker ??= startThread('check-worker', { name: 'isosyncd-check' }))
    const { promise, resolve, reject } = Promise.withResolvers<CheckReply>()
    const died = (why: unknown) => {
      this.#worker = null
      reject(new Error(`the checking thread ended: ${String(why)}`))
    }
    worker.on('message', resolve).on('error', died).on('exit', died)
    worker.ref()
    worker.postMessage(job)
    return promise.finally(() => {
      worker.off('message', resolve).off('error', died).off('exit', died)
      worker.unref()
    })
  }
}
