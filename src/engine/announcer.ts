/**
 * Tells peers our records. A push of something new and the delta after a reconnect are one and the same: each peer
 * has a cursor in our numbering, and pages go out behind it as long as the peer confirms that it has stored them.
 */
import { type FolderIndex } from '../db/index-port.ts'
import { type Peer } from '../net/peer-port.ts'
import { type SignedRecord } from '../sync/record.ts'

/** The wire allows 1,000 records and 1 MiB a message; a page stays below both with room for long versions. */
const PAGE_RECORDS = 1000
const PAGE_BYTES = 700 * 1024
/** Everything in an encoded record but its path, link target and version: fixed fields, hashes, signature. */
const RECORD_OVERHEAD_BYTES = 256
/** Pages under way to a peer before it has confirmed the first: enough for a long link, little memory. */
const MOST_UNCONFIRMED_RECORDS = 4 * PAGE_RECORDS

interface Cursor {
  sent: number
  stored: number
}

export class Announcer {
  readonly #index: Pick<FolderIndex, 'recordsAfter' | 'lastSequence'>
  readonly #cursors = new Map<Peer, Cursor>()

  constructor(needs: { index: Pick<FolderIndex, 'recordsAfter' | 'lastSequence'> }) {
    this.#index = needs.index
  }

  /** The peer has all up to our sequence `after` and wants what follows. */
  asked(peer: Peer, after: number): void {
    // A peer that knows more than we ever said has met our index in a former life: it gets everything again.
    const from = after > this.#index.lastSequence() ? 0 : after
    this.#cursors.set(peer, { sent: from, stored: from })
    this.#push(peer)
  }

  /** The peer has stored all up to our sequence `upTo`. */
  stored(peer: Peer, upTo: number): void {
    const cursor = this.#cursors.get(peer)
    if (cursor === undefined) return
    cursor.stored = Math.max(cursor.stored, Math.min(upTo, cursor.sent))
    this.#push(peer)
  }

  gone(peer: Peer): void {
    this.#cursors.delete(peer)
  }

  /** Pushes what has been committed since to all peers that have asked once. */
  push(): void {
    for (const peer of this.#cursors.keys()) this.#push(peer)
  }

  /** True when the peer has confirmed all that we know. */
  inStep(peer: Peer): boolean {
    return (this.#cursors.get(peer)?.stored ?? -1) >= this.#index.lastSequence()
  }

  #push(peer: Peer): void {
    const cursor = this.#cursors.get(peer)
    while (cursor !== undefined && cursor.sent - cursor.stored < MOST_UNCONFIRMED_RECORDS) {
      const page = pageOf(this.#index.recordsAfter(cursor.sent, PAGE_RECORDS))
      const last = page.at(-1)
      if (last === undefined) return
      const after = cursor.sent
      cursor.sent = last.sequence
      // A peer needs no telling of what it has written itself; the numbers still tell it how far it is.
      const records = page.map((item) => item.record).filter((record) => record.author !== peer.replica)
      peer.send({ type: 'records', after, upTo: last.sequence, records })
    }
  }
}

/** As many of the first records as fit in one message, at least one. */
function pageOf<T extends { readonly record: SignedRecord }>(found: readonly T[]): readonly T[] {
  let bytes = 0
  const end = found.findIndex(({ record }) => {
    const target = record.kind === 'link' ? record.target.length : 0
    bytes += RECORD_OVERHEAD_BYTES + (record.path.length + target) * 3 + record.version.length * 20
    return bytes > PAGE_BYTES
  })
  return end === -1 ? found : found.slice(0, Math.max(1, end))
}
