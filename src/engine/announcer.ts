/**
 * Tells peers our records. A push of something new and the delta after a reconnect are one and the same: each peer
 * has a cursor in our numbering, and pages go out behind it as long as the peer confirms that it has stored them.
 */
import { type ReplicaId } from '../base/brand.ts'
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
  /** Up to here the peer may have forgotten what it wrote itself. */
  readonly catchUpTo: number
}

export interface AnnouncerNeeds {
  readonly index: Pick<FolderIndex, 'recordsAfter' | 'lastSequence'>
  /** The pool knows more of what this index said than the index itself: it must not be used any more. */
  readonly outdated: (why: string) => void
}

export class Announcer {
  readonly #index: AnnouncerNeeds['index']
  readonly #outdated: AnnouncerNeeds['outdated']
  readonly #cursors = new Map<Peer, Cursor>()
  /** How far our numbering had come when this life began: former lives told nobody more. */
  readonly #atStart: number
  /** How far this life has told each. */
  readonly #told = new Map<ReplicaId, number>()

  constructor(needs: AnnouncerNeeds) {
    this.#index = needs.index
    this.#outdated = needs.outdated
    this.#atStart = needs.index.lastSequence()
  }

  /** The peer has all up to our sequence `after` and wants what follows. */
  asked(peer: Peer, after: number): void {
    const most = Math.max(this.#atStart, this.#told.get(peer.replica) ?? 0)
    if (after > most && peer.writer)
      return this.#outdated(`${peer.host} has stored ${after} records of this index, which knows of only ${most}`)
    // A holder of the read-only secret may say what he likes: that must not cost an index. He gets everything again.
    const from = after > most ? 0 : after
    this.#cursors.set(peer, { sent: from, stored: from, catchUpTo: this.#index.lastSequence() })
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
    if (cursor?.sent === this.#index.lastSequence()) return // each of many small files asks, and the first one told all
    while (cursor !== undefined && cursor.sent - cursor.stored < MOST_UNCONFIRMED_RECORDS) {
      const page = pageOf(this.#index.recordsAfter(cursor.sent, PAGE_RECORDS))
      const last = page.at(-1)
      if (last === undefined) return
      const after = cursor.sent
      cursor.sent = last.sequence
      this.#told.set(peer.replica, Math.max(last.sequence, this.#told.get(peer.replica) ?? 0))
      // A peer needs no telling of what it has just written itself; the numbers still tell it how far it is.
      const { catchUpTo } = cursor
      const records = page
        .filter(({ sequence, record }) => sequence <= catchUpTo || record.author !== peer.replica)
        .map((item) => item.record)
      peer.send({ type: 'records', after, upTo: last.sequence, records })
    }
  }
}

/** As many of the first records as fit in one message, at least one. */
function pageOf<T extends { readonly record: SignedRecord }>(found: readonly T[]): readonly T[] {
  let bytes = 0
  const end = found.findIndex(({ record }) => {
    const target = record.kind === 'link' ? record.target.length : 0
    const lists = record.version.length * 20 + record.earlier.length * 32
    bytes += RECORD_OVERHEAD_BYTES + (record.path.length + target) * 3 + lists
    return bytes > PAGE_BYTES
  })
  return end === -1 ? found : found.slice(0, Math.max(1, end))
}
