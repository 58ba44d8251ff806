/** Streams that the other side of a connection opens: each goes to the folder that it names, if it may. */
import { type Connection, type Stream } from '@libp2p/interface'
import { type FolderId } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { addressOf } from './address.ts'
import { type FolderNet } from './folder-net.ts'
import * as limits from './limits.ts'
import { MessageStream } from './message-stream.ts'
import { serveRequests } from './piece-streams.ts'
import { ProofFailed, readOpening, refuseUnknown } from './proof-exchange.ts'
import { SeldomLog } from './seldom-log.ts'

/** One line in the log for one host in this time. */
const UNKNOWN_FOLDER_LOG_MS = 600_000

export interface IncomingStreamsNeeds {
  readonly clock: Clock
  readonly log: Log
  readonly folder: (id: FolderId) => FolderNet | undefined
}

export class IncomingStreams {
  readonly #needs: IncomingStreamsNeeds
  readonly #proofs = new WeakMap<Connection, number>()
  readonly #seldom: SeldomLog

  constructor(needs: IncomingStreamsNeeds) {
    this.#needs = needs
    this.#seldom = new SeldomLog({ everyMs: UNKNOWN_FOLDER_LOG_MS }, needs)
  }

  /** A stream of messages: HELLO first. Never rejects. */
  async accept(stream: Stream, connection: Connection): Promise<void> {
    const underWay = this.#proofs.get(connection) ?? 0
    if (underWay >= limits.MAX_PROOFS_PER_CONNECTION) return stream.abort(new Error('too many proofs at a time'))
    this.#proofs.set(connection, underWay + 1)
    try {
      await this.#takeOpening(stream, connection)
    } finally {
      this.#proofs.set(connection, (this.#proofs.get(connection) ?? 1) - 1)
    }
  }

  /** A stream on which pieces are asked for: only by a peer, on the connection of its proof or on a lane. */
  serve(stream: Stream, connection: Connection): void {
    serveRequests(stream, (id, opened) => {
      const session = this.#needs.folder(id)?.peerOn(connection)
      return session?.providing(opened, connection) ?? null
    })
  }

  async #takeOpening(stream: Stream, connection: Connection): Promise<void> {
    let count = (_direction: 'in' | 'out', _bytes: number) => {}
    const messages = new MessageStream(stream, { count: (direction, bytes) => count(direction, bytes) })
    const late = () => messages.close(new Error('it did not say HELLO in time'))
    const stop = this.#needs.clock.after(limits.PROOF_TIMEOUT_MS, late)
    try {
      const { folder: id, hello } = await readOpening(messages)
      const folder = this.#needs.folder(id)
      if (folder === undefined) return await refuseUnknown(messages, id)
      stop()
      count = folder.counting(connection.remotePeer.toString())
      await folder.accept(connection, messages, hello)
    } catch (error) {
      if (error instanceof ProofFailed) this.#logUnknown(connection, error)
      messages.close(error instanceof Error ? error : new Error(String(error)))
    } finally {
      stop()
    }
  }

  #logUnknown(connection: Connection, error: ProofFailed): void {
    const address = addressOf(connection.remoteAddr)
    this.#seldom.log(address, () =>
      this.#needs.log.warn(
        { host: address },
        `${address} asked for a folder, but ${error.message}. If it should share one with this host, give both the same secret. Nothing was told to it`,
      ),
    )
  }
}
