/**
 * Gets piece lists: from the index, else from any peer that gives one that hashes to the content's name. Short ones
 * come unasked with what a peer tells that it has.
 */
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { MAX_TOLD_LIST_BYTES } from '../net/limits.ts'
import { type Peer } from '../net/peer-port.ts'
import { maxPieces, PACKED_PIECE_BYTES, type PieceList, rootHash, unpackPieceList } from '../sync/piece-list.ts'
import { type Committer } from './committer.ts'

/** When no peer has given the list, all are asked again after this; a new peer or a new have asks at once. */
const ASK_AGAIN_MS = 5_000

export interface PieceListsNeeds {
  readonly index: Pick<FolderIndex, 'pieceList'>
  readonly committer: Pick<Committer, 'commit'>
  /** Whom to ask, best first. */
  readonly peers: (root: RootHash) => readonly Peer[]
  readonly clock: Clock
  readonly log: Log
}

/** A list that is looked for. */
interface Search {
  told: { readonly peer: Peer; readonly packed: Uint8Array } | null
  wake: () => void
}

export class PieceLists {
  readonly #needs: PieceListsNeeds
  readonly #searches = new Map<RootHash, Search>()

  constructor(needs: PieceListsNeeds) {
    this.#needs = needs
  }

  /** The verified list of a content, in the index when this resolves. Rejects only when `signal` is aborted. */
  async get(root: RootHash, size: number, signal: AbortSignal): Promise<PieceList> {
    const search: Search = { told: null, wake: () => {} }
    this.#searches.set(root, search)
    try {
      const known = this.#needs.index.pieceList(root)
      if (known !== null) return known
      if (maxPieces(size) * PACKED_PIECE_BYTES <= MAX_TOLD_LIST_BYTES) await this.#news(search, signal)
      return await this.#find(root, size, search, signal)
    } finally {
      if (this.#searches.get(root) === search) this.#searches.delete(root)
    }
  }

  /** Someone may have what was not to be had before: all who wait ask again. */
  wake(): void {
    for (const search of this.#searches.values()) search.wake()
  }

  /** A peer tells what it has of a content, perhaps with its list: whoever looks for that goes on. */
  told(peer: Peer, root: RootHash, packed: Uint8Array | null): void {
    const search = this.#searches.get(root)
    if (search === undefined) return
    if (packed !== null) search.told = { peer, packed }
    search.wake()
  }

  async #find(root: RootHash, size: number, search: Search, signal: AbortSignal): Promise<PieceList> {
    for (;;) {
      signal.throwIfAborted()
      const list = this.#needs.index.pieceList(root) ?? this.#takeTold(search, root, size)
      if (list !== null) return await this.#keep(root, list)
      for (const peer of this.#needs.peers(root)) {
        const asked = await this.#ask(peer, root, size, signal)
        if (asked !== null) return await this.#keep(root, asked)
      }
      await this.#news(search, signal)
    }
  }

  async #keep(root: RootHash, list: PieceList): Promise<PieceList> {
    await this.#needs.committer.commit(() => [{ op: 'content', root, list }])
    return list
  }

  #takeTold(search: Search, root: RootHash, size: number): PieceList | null {
    const { told } = search
    search.told = null
    return told === null ? null : checked(told.peer, root, size, told.packed)
  }

  async #ask(peer: Peer, root: RootHash, size: number, signal: AbortSignal): Promise<PieceList | null> {
    try {
      const packed = await peer.fetchPieceList(root, maxPieces(size) * PACKED_PIECE_BYTES, signal)
      return checked(peer, root, size, packed)
    } catch (error) {
      this.#needs.log.debug({ host: peer.host, root, err: error }, `${peer.host} did not give a piece list`)
    }
    return null
  }

  /** Resolves when a peer tells something, after a while, or when `signal` is aborted. */
  #news(search: Search, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        search.wake = () => {}
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#needs.clock.after(ASK_AGAIN_MS, done)
      search.wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}

/** Null where it is not the list of that content: whoever sent it is shut out. */
function checked(peer: Peer, root: RootHash, size: number, packed: Uint8Array): PieceList | null {
  const list = unpackPieceList(size, packed)
  if (typeof list !== 'string' && rootHash(list) === root) return list
  const why = typeof list === 'string' ? list : 'it does not hash to the name of the content'
  peer.ban(`it sent a wrong piece list: ${why}`)
  return null
}
