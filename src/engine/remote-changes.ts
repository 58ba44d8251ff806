/**
 * Takes records from peers into the index. Each is verified before it is stored, and stored before it is confirmed
 * or acted on. What it means for the disk is decided afterwards, path by path, by the applier.
 */
import { type FolderId, type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { type FolderMessage, type Peer } from '../net/peer-port.ts'
import { joinedVersion, mergeRecords } from '../sync/merge.ts'
import { bodyBytes, compareBytes, signedBytes } from '../sync/record-bytes.ts'
import { type SignedRecord } from '../sync/record.ts'
import { compareVersions, joinVersions, noVersion, remembersMoreOf } from '../sync/version.ts'
import { type Committer } from './committer.ts'

type Records = Extract<FolderMessage, { type: 'records' }>

/** Signatures checked before others get a turn: an Ed25519 check takes about 0.04 ms. */
const CHECKED_AT_A_TIME = 100
/** What could not be stored is asked for again after this: the disk may be full for a day. */
const ASK_AGAIN_MS = 5_000

export interface RemoteChangesNeeds {
  readonly index: Pick<FolderIndex, 'replica' | 'entry' | 'recordsOf' | 'peerProgress'>
  readonly committer: Pick<Committer, 'commit'>
  readonly verify: (bytes: Uint8Array, signature: Uint8Array) => boolean
  /** Whether a secret that is being replaced, and counts yet, has signed it. */
  readonly isOfOldSecret?: (record: SignedRecord) => boolean
  readonly breathe: () => Promise<void>
  /** Nothing to wait for, or resolves when there is room for more paths that want something, or after a while. */
  readonly room?: () => Promise<void> | undefined
  /** The pool knows more of what this index said than the index itself: it must not be used any more. */
  readonly outdated: (why: string) => void
  /** Called with the paths whose records have changed, after they are durable. */
  readonly changed: (live: readonly RelPath[], dead: readonly RelPath[]) => void
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
}

export class RemoteChanges {
  readonly #folder: FolderId
  readonly #needs: RemoteChangesNeeds
  readonly #tails = new WeakMap<Peer, Promise<void>>()
  readonly #asked = new WeakMap<Peer, number>()

  constructor(options: { folder: FolderId }, needs: RemoteChangesNeeds) {
    this.#folder = options.folder
    this.#needs = needs
  }

  /** A peer is there: asks it for all that we have not stored of its records. */
  greet(peer: Peer): void {
    this.#ask(peer, this.#needs.index.peerProgress(peer.replica).received)
  }

  /** Takes one page; pages of one peer one after the other. */
  received(peer: Peer, page: Records): void {
    const before = this.#tails.get(peer) ?? Promise.resolve()
    const next = before.then(() => this.#take(peer, page)).catch((error: unknown) => this.#failed(peer, error))
    this.#tails.set(peer, next)
  }

  async #take(peer: Peer, page: Records): Promise<void> {
    await this.#needs.room?.()
    const { received } = this.#needs.index.peerProgress(peer.replica)
    if (page.after > received) return this.#ask(peer, received)
    // Numbering that starts again at 0 although we know more: the peer lost its index's later part.
    if (page.upTo <= received && page.after !== 0) return peer.send({ type: 'stored', upTo: page.upTo })
    const news = page.records.filter((record) => this.#isNew(record) || this.#isSignedAnew(record))
    if (!(await this.#allVerified(peer, news))) return
    const unknown = news.find((record) => this.#isForgotten(record))
    if (unknown !== undefined)
      return this.#needs.outdated(
        `${peer.host} knows a change of ${unknown.path} by this index that the index does not`,
      )
    await this.#needs.committer.commit(() => this.#changes(peer, page.upTo, news))
    peer.send({ type: 'stored', upTo: page.upTo })
    const paths = (records: readonly SignedRecord[]) => [...new Set(records.map((record) => record.path))]
    this.#needs.changed(
      paths(news.filter((record) => record.kind !== 'tombstone')),
      paths(news.filter((record) => record.kind === 'tombstone')),
    )
  }

  #changes(peer: Peer, upTo: number, news: readonly SignedRecord[]): readonly Change[] {
    const sets = new Map<RelPath, readonly SignedRecord[]>()
    for (const record of news) {
      const known = sets.get(record.path) ?? this.#needs.index.recordsOf(record.path)
      const others = this.#needs.isOfOldSecret ? known.filter((other) => !sameBody(other, record)) : known
      sets.set(record.path, mergeRecords(others, [record]))
    }
    const changes: Change[] = [...sets].map(([path, records]) => ({ op: 'records', path, records }))
    return [...changes, { op: 'received', peer: peer.replica, sequence: upTo }]
  }

  /** False for what a stored record knows already: no signature needs checking then. */
  #isNew(record: SignedRecord): boolean {
    return this.#needs.index.recordsOf(record.path).every((known) => {
      const order = compareVersions(record.version, known.version)
      return order === 'after' || order === 'concurrent'
    })
  }

  /** The same as one that we have, which only the old secret has signed: a reader cannot sign it itself. */
  #isSignedAnew(record: SignedRecord): boolean {
    const { index, isOfOldSecret } = this.#needs
    if (isOfOldSecret === undefined) return false
    const known = index.recordsOf(record.path).find((other) => sameBody(other, record))
    return known !== undefined && isOfOldSecret(known) && !isOfOldSecret(record)
  }

  /** It builds on a change in our own name that we know nothing of. */
  #isForgotten({ path, version }: SignedRecord): boolean {
    const { index } = this.#needs
    if (!version.some(([replica]) => replica === index.replica)) return false
    const known = joinVersions(index.entry(path)?.version ?? noVersion, joinedVersion(index.recordsOf(path)))
    return remembersMoreOf(index.replica, version, known)
  }

  async #allVerified(peer: Peer, records: readonly SignedRecord[]): Promise<boolean> {
    for (const [i, record] of records.entries()) {
      if (i % CHECKED_AT_A_TIME === CHECKED_AT_A_TIME - 1) await this.#needs.breathe()
      if (this.#needs.verify(signedBytes(this.#folder, record), record.signature)) continue
      if (this.#needs.isOfOldSecret?.(record) === true) continue
      peer.ban(`it sent a record of ${record.path} whose signature is not by a holder of the read-write secret`)
      return false
    }
    return true
  }

  #ask(peer: Peer, after: number): void {
    if (this.#asked.get(peer) === after) return
    this.#asked.set(peer, after)
    peer.send({ type: 'since', after })
  }

  #failed(peer: Peer, error: unknown): void {
    const sentence = `could not store records from ${peer.host}; asking again in ${ASK_AGAIN_MS / 1000} s`
    this.#needs.log.error({ host: peer.host, err: error }, sentence)
    this.#needs.clock.after(ASK_AGAIN_MS, () => {
      this.#asked.delete(peer)
      this.greet(peer)
    })
  }
}

function sameBody(one: SignedRecord, other: SignedRecord): boolean {
  return compareBytes(bodyBytes(one), bodyBytes(other)) === 0
}
