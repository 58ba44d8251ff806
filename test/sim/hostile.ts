/** A peer with the read-only secret that lies: forged and old records, bad pieces, false promises, absurd numbers. */
import { fromHex, type HostName, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { type MemoryLink } from '../../src/net/memory-network.ts'
import { type FolderHandlers, type FolderMessage, type Peer, type ServedPiece } from '../../src/net/peer-port.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { type World } from './world.ts'

export const HOSTILE = 'hostile' as HostName
const REMEMBERED = 300

export class Hostile {
  readonly #world: World
  readonly #peers = new Set<Peer>()
  readonly #seen: SignedRecord[] = []
  #link: MemoryLink | null = null
  #sequence = 0

  constructor(world: World) {
    this.#world = world
  }

  come(): void {
    const { world, chance } = { world: this.#world, chance: this.#world.chance }
    if (this.#link !== null) return
    world.say('a hostile peer comes')
    const replica = fromHex<ReplicaId>(Buffer.from(chance.bytes(8)).toString('hex'))
    const { folder } = world
    this.#link = world.network.openFolder({
      name: HOSTILE,
      site: null,
      writer: false,
      folder,
      replica,
      handlers: this.#handlers(),
    })
    this.#lieLater()
    world.time.after(chance.below(120_000), () => this.go())
  }

  go(): void {
    if (this.#link === null) return
    this.#world.say('the hostile peer goes')
    this.#link.close()
    this.#link = null
    this.#peers.clear()
  }

  #handlers(): FolderHandlers {
    return {
      up: (peer) => {
        this.#peers.add(peer)
        peer.send({ type: 'since', after: 0 })
      },
      down: (peer) => void this.#peers.delete(peer),
      message: (peer, message) => this.#heard(peer, message),
      servePieceList: (root) => this.#falseList(root),
      servePiece: (root) => this.#falsePiece(root),
    }
  }

  #heard(peer: Peer, message: FolderMessage): void {
    if (message.type === 'records') {
      this.#seen.push(...message.records)
      this.#seen.splice(0, this.#seen.length - REMEMBERED)
    }
    if (message.type === 'want' && message.wanted) peer.send({ type: 'have', root: message.root, have: { all: true } })
  }

  #lieLater(): void {
    const { time, chance } = this.#world
    time.after(chance.below(5_000), () => {
      if (this.#link === null) return
      const peers = [...this.#peers]
      if (peers.length > 0) chance.pick(peers).send(this.#lie())
      this.#lieLater()
    })
  }

  #lie(): FolderMessage {
    const { chance } = this.#world
    const root = this.#someRoot()
    const lies: readonly (() => FolderMessage)[] = [
      () => this.#records([this.#forged()]),
      () => this.#records(this.#seen.length === 0 ? [] : [chance.pick(this.#seen)]),
      () => this.#records([]),
      () => ({ type: 'since', after: chance.pick([0, 1, 1_000_000]) }),
      () => ({ type: 'stored', upTo: 1_000_000 }),
      () => ({ type: 'have', root, have: { all: true } }),
      () => ({ type: 'gained', root, ordinals: [0, 7, 199_999] }),
      () => ({ type: 'want', root, wanted: chance.oneIn(2) }),
    ]
    return chance.pick(lies)()
  }

  #records(records: readonly (SignedRecord | null)[]): FolderMessage {
    const after = this.#sequence
    this.#sequence += this.#world.chance.pick([1, 1, 1000])
    return { type: 'records', after, upTo: this.#sequence, records: records.filter((record) => record !== null) }
  }

  /** What somebody signed, with something else in it. */
  #forged(): SignedRecord | null {
    const { chance } = this.#world
    if (this.#seen.length === 0) return null
    const record = chance.pick(this.#seen)
    const other = chance.pick(this.#seen)
    const newer = record.version.map(([replica, counter]) => [replica, counter + 1_000_000] as const)
    const { path, author, signature, previous, earlier, orderUs } = record
    return chance.pick<SignedRecord>([
      { ...record, version: newer },
      { ...record, path: other.path, version: newer },
      { kind: 'tombstone', path, author, signature, previous, earlier, orderUs, version: newer },
      { ...record, signature: Uint8Array.from(chance.bytes(64)) },
    ])
  }

  #someRoot(): RootHash {
    const files = this.#seen.filter((record) => record.kind === 'file')
    return files.length === 0 ? fromHex<RootHash>('00'.repeat(32)) : this.#world.chance.pick(files).root
  }

  #falseList(root: RootHash): Uint8Array | null {
    const { chance, contents } = this.#world
    const size = contents.byRoot(root)?.bytes.byteLength ?? 0
    return chance.pick([null, chance.bytes(34), chance.bytes(34 * Math.ceil(size / 100_000))])
  }

  /** Nothing, rubbish, rubbish of the right length (of small contents), or nothing ever. */
  async #falsePiece(root: RootHash): Promise<ServedPiece | null> {
    const { chance, contents } = this.#world
    const bytes = contents.byRoot(root)?.bytes.slice() ?? new Uint8Array(1)
    if (bytes.byteLength > 0) bytes[0] = (bytes[0] ?? 0) ^ 1
    if (chance.oneIn(4)) return null
    if (chance.oneIn(4)) return await new Promise(() => {})
    return { bytes: chance.oneIn(4) ? bytes.subarray(1) : bytes, release: () => {} }
  }
}
