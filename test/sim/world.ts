/** The world of one seed: hosts, network, users' contents, and what holds at any moment. */
import { LRUCache } from 'lru-cache'
import { blake3 } from '../../src/base/blake3.ts'
import { type HostName, type RootHash } from '../../src/base/brand.ts'
import { type FolderKeys, parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { FsError } from '../../src/fs/root.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import { type FolderMessage } from '../../src/net/peer-port.ts'
import { pieceHash, type PieceList } from '../../src/sync/piece-list.ts'
import { signedBytes } from '../../src/sync/record-bytes.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { stretchName } from '../../src/sync/stretch.ts'
import { IndexFiles } from './backup.ts'
import { Chance } from './chance.ts'
import { Contents } from './contents.ts'
import { Hostile, HOSTILE } from './hostile.ts'
import { Ledger } from './ledger.ts'
import { Rot, SCRUB_MS } from './rot.ts'
import { SimFailure } from './sim-failure.ts'
import { SimHost } from './sim-host.ts'
import { HostClock, SimTime } from './sim-time.ts'
import { Told } from './told.ts'
import { Trace } from './trace.ts'

/** Of no pool on earth. */
const SECRET = 'AGZPMOROE7C6G5M6DYLDAJ3HVPN7JVHHNI3AJQ3XMFWTRGKLPK2X7GH3GQ4'
const RESCAN_MS = 600_000
/** Of all disks at one instant, a hundred times what was ever seen: a host that turns in a circle lets no time pass. */
const MOST_AT_AN_INSTANT = 20_000

export class World {
  readonly chance: Chance
  readonly time = new SimTime()
  readonly trace: Trace
  readonly contents: Contents
  readonly ledger: Ledger
  readonly network: MemoryNetwork
  readonly hosts: readonly SimHost[]
  readonly hostile = new Hostile(this)
  readonly folder = WRITER.id
  /** Of seeds in which disks rot. */
  rot: Rot | null = null
  readonly cuts = new Map<string, readonly [HostName, HostName]>()
  /** Directions in which nothing arrives. */
  readonly stalls = new Map<string, readonly [HostName, HostName]>()
  /** Messages that hosts got, and changes that daemons made on disks: in silence neither grows. */
  messages = 0
  writes = 0
  /** Of seeds in which old copies are put back. */
  files: IndexFiles | null = null
  /** What was told of files before they were hashed, by its name. */
  readonly #stretches = new Map<RootHash, PieceList>()
  #failure: SimFailure | null = null
  readonly #told = new Told()
  #instant = { atMs: 0, operations: 0 }

  constructor(options: { seed: number; echo: boolean }) {
    this.trace = new Trace(options)
    this.chance = new Chance(options.seed)
    this.contents = new Contents({ chance: this.chance })
    this.ledger = new Ledger({ contents: this.contents })
    const wire = new JitteryClock({ time: this.time, wallMs: () => 0 }, this.chance, this.chance.pick([0, 1, 50]))
    this.network = new MemoryNetwork(
      { latencyMs: this.chance.pick([0.1, 5, 80]) },
      { clock: wire, sending: (from, to, message) => this.#sending(from, to, message) },
    )
    this.hosts = this.#makeHosts(options.seed)
  }

  get failure(): SimFailure | null {
    return this.#failure
  }

  say(sentence: string): void {
    this.trace.add(`${(this.time.nowMs / 1000).toFixed(3)} ${sentence}`)
  }

  /** Notes what broke; the run ends at the next turn. */
  fail(host: string, what: string): void {
    this.say(`BROKEN ${host}: ${what}`)
    this.#failure ??= new SimFailure(`${host}: ${what}`)
  }

  /** Lets time pass; throws what broke meanwhile. */
  async pass(ms: number): Promise<void> {
    await this.time.pass(ms)
    if (this.#failure !== null) throw this.#failure
  }

  readonly isSigned = (record: SignedRecord): boolean => WRITER.verify(signedBytes(WRITER.id, record), record.signature)

  /** Powerless for a while. */
  crashed(host: SimHost): void {
    this.say(`${host.name} loses power`)
    host.stepsToCrash = 0
    this.startLater(host)
  }

  startLater(host: SimHost): void {
    this.time.after(this.chance.below(this.chance.pick([10, 1000, 120_000])), () => {
      if (host.isUp) return
      this.say(`${host.name} starts`)
      host.start()
    })
  }

  #passing(host: SimHost): boolean {
    const { nowMs } = this.time
    if (this.#instant.atMs !== nowMs) this.#instant = { atMs: nowMs, operations: 0 }
    if (++this.#instant.operations < MOST_AT_AN_INSTANT) return true
    if (this.#failure === null) this.fail(host.name, 'it does something again and again, and no time passes meanwhile')
    return false
  }

  #sending(from: HostName, to: HostName, message: FolderMessage): void {
    const [ours, theirs] = [this.host(from), this.host(to)]
    const untrue = ours !== undefined && theirs !== undefined ? this.#told.untrue(ours, theirs, message) : null
    if (untrue !== null) this.fail(from, untrue)
    if (message.type === 'stretch') this.#stretches.set(stretchName(message.stretch), message.stretch.list)
  }

  host(name: string): SimHost | undefined {
    return this.hosts.find((host) => host.name === name)
  }

  #makeHosts(seed: number): readonly SimHost[] {
    const settleMs = this.chance.pick([0, 1_000, 10_000, 10_000])
    const count = this.chance.pick([3, 3, 3, 4, 4, 5, 6, 7])
    const readOnly = this.chance.oneIn(3) ? count - 1 : -1
    if (this.chance.oneIn(4)) this.files = new IndexFiles()
    this.rot = Rot.in(this, seed)
    const scrubMs = this.rot === null ? null : SCRUB_MS
    const early = new Chance(seed ^ 0x6561726c)
    const hashing = early.oneIn(2) ? [null] : [null, 10, 1_000, 20_000]
    const sites = this.chance.pick([[null], ['here', 'there']])
    return Array.from({ length: count }, (_, i) => {
      const keys = i === readOnly ? READER : WRITER
      const slowestMs = this.chance.pick([0, 1, 20, 200])
      const site = this.chance.pick<string | null>(sites)
      return new SimHost(
        {
          name: `host${i}`,
          keys,
          settleMs,
          rescanMs: RESCAN_MS,
          scrubMs,
          slowestMs,
          site,
          hashesForMs: early.pick(hashing),
          files: this.files,
        },
        this.#needs(),
      )
    })
  }

  #isOfStretch(name: RootHash, ordinal: number, bytes: Uint8Array): boolean {
    const list = this.#stretches.get(name)
    return list !== undefined && blake3(bytes).equals(pieceHash(list, ordinal))
  }

  #needs(): ConstructorParameters<typeof SimHost>[1] {
    return {
      time: this.time,
      network: this.network,
      chance: this.chance,
      log: (host, level, fields, sentence) => this.#logged(host, level, fields, sentence),
      served: (host, root, ordinal, bytes) => {
        if (!this.contents.isPiece(root, ordinal, bytes) && !this.#isOfStretch(root, ordinal, bytes))
          this.fail(host.name, `it serves a piece of ${this.contents.byRoot(root)?.name ?? root} that is not right`)
      },
      passing: (host) => this.#passing(host),
      wrote: (host, op, path) => {
        this.writes++
        this.say(`${host.name} disk: ${op} ${path.slice(0, 40)}`)
      },
      heard: () => void this.messages++,
      crashed: (host) => this.crashed(host),
      renewed: (host, why) => {
        this.say(`${host.name} gives its index up: ${why}`)
        this.ledger.forgetful.add(host.name)
        this.startLater(host)
      },
      down: (host, peer, reason) => {
        if (peer.host !== HOSTILE && reason.startsWith('shut out'))
          this.fail(host.name, `${peer.host} was banned although it is not hostile: ${reason}`)
      },
    }
  }

  #logged(host: SimHost, level: string, fields: object, sentence: string): void {
    this.say(`${host.name} ${level}: ${sentence}`)
    const error: unknown = 'err' in fields ? fields.err : null
    if (level !== 'error' || error instanceof FsError) return
    this.fail(host.name, `internal error: ${sentence}: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

/** Messages take now longer, now shorter, but stay in order. */
class JitteryClock extends HostClock {
  readonly #chance: Chance
  readonly #mostMs: number

  constructor(needs: ConstructorParameters<typeof HostClock>[0], chance: Chance, mostMs: number) {
    super(needs)
    this.#chance = chance
    this.#mostMs = mostMs
  }

  override after(ms: number, task: () => void): () => void {
    return super.after(ms + (this.#mostMs === 0 ? 0 : this.#chance.below(this.#mostMs)), task)
  }
}

const WRITER = keysOf(SECRET)
const READER = keysOf(readOnlySecret(SECRET))

/** Each host checks the same signatures of the same bytes: once is enough. */
function keysOf(secret: string): FolderKeys {
  const keys = parseSecret(secret)
  if (typeof keys === 'string') throw new Error(keys)
  const known = new LRUCache<string, boolean>({ max: 10_000 })
  const verify = (bytes: Uint8Array, signature: Uint8Array) => {
    const key = Buffer.concat([signature, bytes]).toString('latin1')
    const valid = known.get(key) ?? keys.verify(bytes, signature)
    known.set(key, valid)
    return valid
  }
  return { ...keys, verify }
}
