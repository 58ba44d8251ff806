/**
 * A host that has the folder's secret and is hostile, in a pool of two real daemons: one drops two files, the other
 * fetches them while the hostile one says that it has the first too. Not a wrong byte may arrive, whoever does harm is
 * put out (who only does not deliver: passed over), and both transfers go on.
 */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { type Stream } from '@libp2p/interface'
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { type FolderKeys, readOnlySecret } from '../../src/base/secret.ts'
import { type Frame } from '../../src/net/codec.ts'
import { FrameReader } from '../../src/net/frame-reader.ts'
import { MAX_REQUEST_BYTES } from '../../src/net/limits.ts'
import { chunkHeader, LIST, LISTED, MAX_CHUNK_BYTES, PIECE } from '../../src/net/piece-frames.ts'
import { decodeRequest, type PiecesRequest } from '../../src/net/pieces-request.ts'
import { signedBytes } from '../../src/sync/record-bytes.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { type HostileConnection, HostileHost, say } from '../net/hostile-host.ts'
import { keysOf, replicaOf } from '../net/test-host.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { drop, limitUpload, report } from './pool.ts'

export const HARMS = [
  'bad pieces',
  'endless list',
  '4 GiB frame',
  'pings unread',
  'no delivery',
  'forged record',
] as const
export type Harm = (typeof HARMS)[number]

const KB_PER_SECOND = 4_000
/** What the victim says of one who promises and sends nothing. */
const PASSED_OVER = /has sent nothing .* asking others instead/
/** Of the contents that it makes up. */
const FORGED_ROOT = 'ab'.repeat(32) as RootHash
/** The hostile host is the third one of the pool. */
const N = 3

export interface HarmOptions {
  /** Of the file that the hostile host promises, */
  readonly promisedBytes: number
  /** and of the one that it says nothing of. */
  readonly otherBytes: number
}

export interface HarmFigures {
  readonly harm: Harm | 'none'
  readonly wrongBytes: number
  /**
   * From the harm to the end of the connection, as the hostile host sees it; where it does not deliver, from the first
   * request to the moment when others are asked instead. Null if it did no harm.
   */
  readonly droppedMs: number | null
  /** From drop to arrival. */
  readonly promisedMs: number
  readonly otherMs: number
  readonly log: string
}

/** One pool for all; each harm is done to a pool that has been restarted, since bans last an hour. */
export async function doHarm(harms: readonly Harm[], options: HarmOptions): Promise<HarmFigures[]> {
  await using cluster = await poolOfThree()
  const figures: HarmFigures[] = []
  for (const [i, harm] of harms.entries()) figures.push(await doOne(cluster, harm, `${i}.bin`, options))
  return figures
}

/** The same, and at the same time, on the same machine, in a pool to which nobody does harm. */
export async function doHarmBesidePeace(
  harms: readonly Harm[],
  options: HarmOptions,
): Promise<(HarmFigures & { peace: HarmFigures })[]> {
  await using cluster = await poolOfThree()
  await using peaceful = await poolOfThree()
  const figures: (HarmFigures & { peace: HarmFigures })[] = []
  for (const [i, harm] of harms.entries()) {
    const both = [doOne(cluster, harm, `${i}.bin`, options), doOne(peaceful, 'none', `${i}.bin`, options)] as const
    const [one, peace] = await Promise.all(both)
    figures.push({ ...one, peace })
  }
  return figures
}

/** Two hosts, and a line for the hostile one. */
async function poolOfThree(): Promise<Cluster> {
  const cluster = await Cluster.make({
    hosts: 2,
    configure: (config, _i, { ports }) =>
      config.shared_folders.forEach((folder) => Object.assign(folder, { known_hosts: linesOf(ports) })),
  })
  await limitUpload(cluster.host(0), KB_PER_SECOND)
  return cluster
}

function linesOf(ports: readonly number[]): string[] {
  return [...ports.map((port, i) => `127.0.0.${i + 1}:${port}`), `127.0.0.${N}:1`]
}

async function doOne(cluster: Cluster, harm: Harm | 'none', name: string, options: HarmOptions): Promise<HarmFigures> {
  const [source, victim] = [cluster.host(0), cluster.host(1)]
  for (const host of cluster.hosts) rmSync(host.logFile, { force: true })
  for (const host of cluster.hosts) host.start()
  await until('the two are connected', async () => (await provenPeers(victim)) === 1)
  const hostile = new Hostile(harm, cluster.secret)
  if (harm !== 'none') await hostile.join(cluster.ports[1] ?? 0)
  const promised = new Dropped(source, `promised-${name}`, options.promisedBytes)
  await until('the transfer is under way', async () => (await report(victim))?.transfers[0] !== undefined)
  const other = new Dropped(source, `other-${name}`, options.otherBytes)
  hostile.strike()
  const [promisedMs, otherMs] = await Promise.all([promised.arrival(victim), other.arrival(victim)])
  const droppedMs = harm === 'none' ? null : await outMs(hostile, victim)
  const log = victim
    .log()
    .filter(({ msg }) => /shut out|cut off/.test(String(msg)) || PASSED_OVER.test(String(msg)))
    .map(({ msg }) => String(msg))
  await hostile.leave()
  for (const host of cluster.hosts) await host.kill('SIGTERM')
  const wrongBytes = promised.wrongBytes(victim) + other.wrongBytes(victim) + sizeOf(victim.path('forged.bin'))
  return { harm, wrongBytes, droppedMs, promisedMs, otherMs, log: log.join('; ') }
}

/** A file that one host drops and another is to get. */
class Dropped {
  readonly path: string
  readonly #content: Buffer
  readonly #atMs = performance.now()

  constructor(source: Host, path: string, bytes: number) {
    this.path = path
    this.#content = drop(source, path, bytes)
  }

  async arrival(victim: Host): Promise<number> {
    await until(`${this.path} has arrived`, () => existsSync(victim.path(this.path)))
    return Math.round(performance.now() - this.#atMs)
  }

  wrongBytes(victim: Host): number {
    const arrived = readFileSync(victim.path(this.path))
    return arrived.equals(this.#content) ? 0 : arrived.byteLength
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Waits until whoever did harm is out; how long that took. */
async function outMs(hostile: Hostile, victim: Host): Promise<number> {
  await until(`${hostile.harm} is done`, () => hostile.hasStruck)
  if (hostile.harm !== 'no delivery') {
    await until(`after ${hostile.harm} it is put out`, () => hostile.droppedMs !== null)
    return hostile.droppedMs ?? Infinity
  }
  const passedOver = () => victim.log().find(({ msg }) => PASSED_OVER.test(String(msg)))
  await until('who does not deliver is passed over', () => passedOver() !== undefined)
  return Date.parse(String(passedOver()?.['time'])) - hostile.struckAt
}

async function provenPeers(host: Host): Promise<number> {
  return (await report(host))?.hosts.filter(({ state }) => state === 'proven').length ?? 0
}

class Hostile {
  readonly harm: Harm | 'none'
  droppedMs: number | null = null
  /** When it did harm; milliseconds since 1970, 0 before. */
  struckAt = 0
  readonly #secret: string
  #host: HostileHost | null = null
  #connection: HostileConnection | null = null
  #say: (frame: Frame) => void = () => {}
  /** The content that it promises: the first that the victim wants. */
  #promised: RootHash | null = null

  constructor(harm: Harm | 'none', secret: string) {
    this.harm = harm
    this.#secret = secret
  }

  async join(port: number): Promise<void> {
    const keys = keysOf(this.harm === 'forged record' ? readOnlySecret(this.#secret) : this.#secret)
    this.#host = await HostileHost.start(N, (stream) => this.#serve(stream))
    this.#connection = await this.#host.connect(port, '127.0.0.2')
    const messages = await this.#connection.prove(keys, (frame) => this.#hear(frame))
    this.#say = (frame) => say(messages, frame)
    messages.onEnd(() => {
      if (this.hasStruck) this.droppedMs ??= Date.now() - this.struckAt
    })
  }

  /** What needs no question of the victim. */
  strike(): void {
    const connection = this.#connection
    if (connection === null) return
    if (this.harm === '4 GiB frame' || this.harm === 'pings unread' || this.harm === 'forged record') this.#struck()
    if (this.harm === '4 GiB frame') connection.announce(2 ** 32 - 1)
    if (this.harm === 'pings unread') {
      connection.stopReading()
      for (let i = 0; i < 100; i++) connection.pings(1_000)
      connection.resumeReadingSoon()
    }
    if (this.harm === 'forged record') this.#announce(forged('forged.bin'))
    // A content that only we have: its list must be asked of us.
    if (this.harm === 'endless list') this.#announce(signed(keysOf(this.#secret), forged('endless.bin')))
  }

  /** False where the victim has asked nothing of it that could be answered badly. */
  get hasStruck(): boolean {
    return this.struckAt !== 0
  }

  #announce(record: SignedRecord): void {
    this.#say({ type: 'message', message: { type: 'records', after: 0, upTo: 1, records: [record] } })
  }

  async leave(): Promise<void> {
    await this.#host?.[Symbol.asyncDispose]()
  }

  #struck(): void {
    if (!this.hasStruck) this.struckAt = Date.now()
  }

  /** What the victim wants first we have all of; where we make the list endless, of everything. */
  #hear(frame: Frame): void {
    if (frame.type === 'ping') return this.#say({ type: 'pong', id: frame.id })
    if (frame.type !== 'message' || frame.message.type !== 'want' || !frame.message.wanted) return
    const { root } = frame.message
    if (root !== FORGED_ROOT) this.#promised ??= root
    if (root !== this.#promised && this.harm !== 'endless list') return
    this.#say({ type: 'message', message: { type: 'have', root, have: { all: true } } })
  }

  #serve(stream: Stream): void {
    const reader = new FrameReader({ maxBytes: MAX_REQUEST_BYTES })
    stream.addEventListener('message', ({ data }) => {
      for (const bytes of data instanceof Uint8Array ? [data] : data)
        for (let at = 0; at < bytes.byteLength;)
          at += reader.read(bytes.subarray(at), (frame) => this.#answer(stream, decodeRequest(frame)))
    })
  }

  #answer(stream: Stream, request: PiecesRequest): void {
    if (request.type === 'list' && this.harm === 'endless list') {
      this.#struck()
      stream.send(chunkHeader(LIST, request.id, 2 ** 32 - 1))
      for (let i = 0; i < 64 && stream.status === 'open'; i++)
        stream.send(Buffer.concat([chunkHeader(LISTED, request.id, MAX_CHUNK_BYTES), Buffer.alloc(MAX_CHUNK_BYTES)]))
    }
    if (request.type !== 'pieces') return
    if (this.harm === 'bad pieces' || this.harm === 'no delivery') this.#struck()
    if (this.harm !== 'bad pieces') return
    for (const length of request.lengths)
      for (let at = 0; at < length && stream.status === 'open'; at += MAX_CHUNK_BYTES) {
        const n = Math.min(MAX_CHUNK_BYTES, length - at)
        stream.send(Buffer.concat([chunkHeader(PIECE, request.id, n), Buffer.alloc(n, 0x66)]))
      }
  }
}

function signed(keys: FolderKeys, record: SignedRecord): SignedRecord {
  return { ...record, signature: keys.sign?.(signedBytes(keys.id, record)) ?? record.signature }
}

function forged(path: string): SignedRecord {
  return {
    kind: 'file',
    path: path as RelPath,
    version: [[replicaOf(N), 1]],
    author: replicaOf(N),
    previous: null,
    earlier: [],
    orderUs: 1,
    size: 1 << 20,
    mtimeUs: 1,
    root: FORGED_ROOT,
    signature: new Uint8Array(64).fill(7),
  }
}
