/** Gets piece lists: from the index, else from any peer that gives one that hashes to the content's name. */
import { type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type FolderIndex } from '../db/index-port.ts'
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

export class PieceLists {
  readonly #needs: PieceListsNeeds
  #waiting = new Set<() => void>()

  constructor(needs: PieceListsNeeds) {
    this.#needs = needs
  }

  /** The verified list of a content, in the index when this resolves. Rejects only when `signal` is aborted. */
  async get(root: RootHash, size: number, signal: AbortSignal): Promise<PieceList> {
    for (;;) {
      signal.throwIfAborted()
      const known = this.#needs.index.pieceList(root)
      if (known !== null) return known
      for (const peer of this.#needs.peers(root)) {
        const list = await this.#ask(peer, root, size, signal)
        if (list === null) continue
        await this.#needs.committer.commit(() => [{ op: 'content', root, list }])
        return list
      }
      await this.#news(signal)
    }
  }

  /** Someone may have what was not to be had before: all who wait ask again. */
  wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  async #ask(peer: Peer, root: RootHash, size: number, signal: AbortSignal): Promise<PieceList | null> {
    try {
      const packed = await peer.fetchPieceList(root, maxPieces(size) * PACKED_PIECE_BYTES, signal)
      const list = unpackPieceList(size, packed)
      if (typeof list !== 'string' && rootHash(list) === root) return list
      const why = typeof list === 'string' ? list : 'it does not hash to the name of the content'
      peer.ban(`it sent a wrong piece list: ${why}`)
    } catch (error) {
      this.#needs.log.debug({ host: peer.host, root, err: error }, `${peer.host} did not give a piece list`)
    }
    return null
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
      this.#needs.clock.after(ASK_AGAIN_MS, done)
    })
  }
}
