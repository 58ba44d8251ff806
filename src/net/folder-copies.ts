/** Two live hosts that speak in one name, because one was copied from the other: found and refused within a folder. */
import { type Connection } from '@libp2p/interface'
import { type ReplicaId } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { addressOf } from './address.ts'
import { onTheCopy } from './clone.ts'
import { type Intro } from './codec.ts'
import { type PeerSession } from './peer-session.ts'
import { ProofFailed } from './proof-exchange.ts'
import { SeldomLog } from './seldom-log.ts'

/** A copy calls again and again: one line in the log for one address in this time. */
const LOG_COPIES_EVERY_MS = 600_000

export interface FolderCopiesNeeds {
  readonly replica: ReplicaId
  readonly sessions: ReadonlyMap<string, PeerSession>
  readonly clock: Clock
  readonly log: Log
}

export class FolderCopies {
  readonly #needs: FolderCopiesNeeds
  readonly #calls: SeldomLog

  constructor(needs: FolderCopiesNeeds) {
    this.#needs = needs
    this.#calls = new SeldomLog({ everyMs: LOG_COPIES_EVERY_MS }, needs)
  }

  /** Throws where another live host has the same identity or the same index. */
  async refuse(peerId: string, { replica, life }: Intro): Promise<void> {
    const twin = this.#needs.sessions.get(peerId)
    if (twin !== undefined && twin.life !== life && (await twin.isAlive()))
      throw new ProofFailed('clone', `it has the same identity as ${twin.host}, but is another host: ${onTheCopy}`)
    const original = await this.#sameReplica(peerId, replica)
    if (original !== null)
      throw new ProofFailed('clone', `it has the same index (replica ${replica}) as ${original}: ${onTheCopy}`)
  }

  /** A copy of a peer calls. The original stays one: nothing of this counts against it. */
  called(connection: Connection, why: string, shortId: string): void {
    const address = addressOf(connection.remoteAddr)
    const tell = () => this.#needs.log.error({ address, folder: shortId }, `${address} is refused: ${why}`)
    this.#calls.log(address, tell)
  }

  /** The other host that speaks as this replica; null if there is none. */
  async #sameReplica(peerId: string, replica: ReplicaId): Promise<string | null> {
    if (replica === this.#needs.replica) return 'this host'
    const sessions = [...this.#needs.sessions.values()]
    const other = sessions.find((peer) => peer.replica === replica && peer.peerId !== peerId)
    if (other === undefined) return null
    if (await other.isAlive()) return other.host
    other.close('it no longer answers, and its index has connected with another identity')
    return null
  }
}
