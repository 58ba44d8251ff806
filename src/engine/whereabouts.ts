/** Answers `isosyncd where`: which host has a path whole and verified, asked of every known host at that moment. */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type WhereHost } from '../api/api-types.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type Root } from '../fs/root.ts'
import { type FolderMessage, type PathState, type Peer } from '../net/peer-port.ts'
import { statMatchesEntry } from '../sync/entry.ts'
import { winnerOf } from '../sync/merge.ts'
import { contentKey } from '../sync/record.ts'
import { type Transfer } from './transfer.ts'

/** A control panel waits for the answer before it mounts: a host that does not say so soon counts as unreachable. */
const ANSWER_MS = 5_000

export interface WhereaboutsNeeds {
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf'>
  readonly disk: Pick<Root, 'stat'>
  readonly transfers: () => readonly Transfer[]
  readonly peers: () => readonly Peer[]
  readonly clock: Pick<Clock, 'after'>
}

export class Whereabouts {
  readonly #needs: WhereaboutsNeeds
  readonly #asked = new Map<number, (answer: PathState) => void>()
  #lastId = 0

  constructor(needs: WhereaboutsNeeds) {
    this.#needs = needs
  }

  /** How far this host is with the path: looks at the disk, not only at the index. */
  async here(path: RelPath): Promise<PathState> {
    const records = this.#needs.index.recordsOf(path)
    const winner = records.length > 0 ? winnerOf(records) : null
    if (winner === null || winner.kind === 'tombstone') return missing('the folder has no such path')
    const entry = this.#needs.index.entry(path)
    const size = winner.kind === 'file' ? winner.size : 0
    const root = winner.kind === 'file' ? winner.root : null
    if (entry === null || contentKey(entry) !== contentKey(winner)) return { ...this.#partial(root, size), root, size }
    const stat = await this.#needs.disk.stat(path).catch(() => null)
    if (statMatchesEntry(stat, entry)) return { state: 'whole', root, size, percent: 100, detail: '' }
    const detail = stat === null ? 'it has gone from the disk since' : 'it has changed on the disk since'
    return { state: 'problem', root, size, percent: 0, detail }
  }

  /** Each peer's answer by its line of known_hosts; a peer that does not answer in time is 'unreachable'. */
  async elsewhere(path: RelPath): Promise<ReadonlyMap<string, WhereHost>> {
    const answers = await Promise.all(this.#needs.peers().map(async (peer) => this.#ask(peer, path)))
    return new Map(answers.map((answer) => [answer.host, answer]))
  }

  async answer(peer: Peer, message: Extract<FolderMessage, { type: 'where' }>): Promise<void> {
    peer.send({ type: 'where-answer', id: message.id, answer: await this.here(message.path) })
  }

  answered(message: Extract<FolderMessage, { type: 'where-answer' }>): void {
    this.#asked.get(message.id)?.(message.answer)
  }

  #ask(peer: Peer, path: RelPath): Promise<WhereHost> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      const end = (host: Omit<WhereHost, 'host'>) => {
        this.#asked.delete(id)
        cancel()
        resolve({ host: peer.host, ...host })
      }
      const cancel = this.#needs.clock.after(ANSWER_MS, () =>
        end({ state: 'unreachable', percent: 0, root: null, detail: `it did not answer within ${ANSWER_MS / 1000} s` }),
      )
      this.#asked.set(id, ({ state, percent, root, detail }) => end({ state, percent, root, detail }))
      peer.send({ type: 'where', id, path })
    })
  }

  #partial(root: string | null, size: number): Omit<PathState, 'root' | 'size'> {
    const transfer = this.#needs.transfers().find((t) => t.root === root)
    if (transfer === undefined) return { state: 'missing', percent: 0, detail: 'not yet begun' }
    const percent = size === 0 ? 0 : Math.floor((transfer.doneBytes / size) * 100)
    return { state: 'partial', percent, detail: transfer.state }
  }
}

function missing(detail: string): PathState {
  return { state: 'missing', root: null, size: 0, percent: 0, detail }
}
