/**
 * A host that has the folder's secret and is hostile, in a pool of two real daemons: one drops a file, the other
 * fetches it while the hostile one says that it has it too. Not a wrong byte may arrive, whoever does harm is put out,
 * and the transfer goes on.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
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

const BYTES = 12 << 20
const KB_PER_SECOND = 4_000
/** The hostile host is the third one of the pool. */
const N = 3

export interface HarmFigures {
  readonly harm: Harm | 'none'
  readonly wrongBytes: number
  /** From the harm to the end of the connection, as the hostile host sees it; null if it was not put out. */
  readonly droppedMs: number | null
  readonly transferMs: number
  readonly log: string
}

/** One pool for all; each harm is done to a pool that has been restarted, since bans last an hour. */
export async function doHarm(harms: readonly (Harm | 'none')[]): Promise<HarmFigures[]> {
  await using cluster = await Cluster.make({
    hosts: 2,
    configure: (config, _i, { ports }) =>
      config.shared_folders.forEach((folder) => Object.assign(folder, { known_hosts: linesOf(ports) })),
  })
  await limitUpload(cluster.host(0), KB_PER_SECOND)
  const figures: HarmFigures[] = []
  for (const harm of harms) figures.push(await doOne(cluster, harm))
  return figures
}

function linesOf(ports: readonly number[]): string[] {
  return [...ports.map((port, i) => `127.0.0.${i + 1}:${port}`), `127.0.0.${N}:1`]
}

async function doOne(cluster: Cluster, harm: Harm | 'none'): Promise<HarmFigures> {
  const [source, victim] = [cluster.host(0), cluster.host(1)]
  for (const host of cluster.hosts) rmSync(host.logFile, { force: true })
  for (const host of cluster.hosts) host.start()
  await until('the two are connected', async () => (await provenPeers(victim)) === 1)
  const hostile = new Hostile(harm, cluster.secret)
  if (harm !== 'none') await hostile.join(cluster.ports[1] ?? 0)
  const path = `${harm.replaceAll(' ', '-')}.bin`
  const start = performance.now()
  const content = drop(source, path, BYTES)
  await until('the transfer is under way', async () => (await report(victim))?.transfers[0] !== undefined)
  hostile.strike()
  await until(`${path} has arrived`, () => existsSync(victim.path(path)))
  const transferMs = Math.round(performance.now() - start)
  const arrived = readFileSync(victim.path(path))
  const forged = existsSync(victim.path('forged.bin'))
  if (harm === 'endless list') await until('the list is asked for', () => hostile.hasStruck)
  if (hostile.hasStruck) await until(`${harm}: it is put out`, () => hostile.droppedMs !== null)
  const log = victim
    .log()
    .filter(({ msg }) => /shut out|cut off|asking others instead/.test(String(msg)))
    .map(({ msg }) => String(msg))
  await hostile.leave()
  for (const host of cluster.hosts) await host.kill('SIGTERM')
  const wrongBytes = arrived.equals(content) && !forged ? 0 : arrived.byteLength
  return { harm, wrongBytes, droppedMs: hostile.droppedMs, transferMs, log: log.join('; ') }
}

async function provenPeers(host: Host): Promise<number> {
  return (await report(host))?.hosts.filter(({ state }) => state === 'proven').length ?? 0
}

class Hostile {
  droppedMs: number | null = null
  readonly #harm: Harm | 'none'
  readonly #secret: string
  #host: HostileHost | null = null
  #connection: HostileConnection | null = null
  #say: (frame: Frame) => void = () => {}
  #struckMs = 0

  constructor(harm: Harm | 'none', secret: string) {
    this.#harm = harm
    this.#secret = secret
  }

  async join(port: number): Promise<void> {
    const keys = keysOf(this.#harm === 'forged record' ? readOnlySecret(this.#secret) : this.#secret)
    this.#host = await HostileHost.start(N, (stream) => this.#serve(stream))
    this.#connection = await this.#host.connect(port, '127.0.0.2')
    const messages = await this.#connection.prove(keys, (frame) => this.#hear(frame))
    this.#say = (frame) => say(messages, frame)
    messages.onEnd(() => {
      if (this.#struckMs !== 0) this.droppedMs ??= Math.round(performance.now() - this.#struckMs)
    })
  }

  /** What needs no question of the victim. */
  strike(): void {
    const connection = this.#connection
    if (connection === null) return
    if (this.#harm === '4 GiB frame' || this.#harm === 'pings unread' || this.#harm === 'forged record') this.#struck()
    if (this.#harm === '4 GiB frame') connection.announce(2 ** 32 - 1)
    if (this.#harm === 'pings unread') {
      connection.stopReading()
      for (let i = 0; i < 100; i++) connection.pings(1_000)
      connection.resumeReadingSoon()
    }
    if (this.#harm === 'forged record') this.#announce(forged('forged.bin'))
    // A content that only we have: its list must be asked of us.
    if (this.#harm === 'endless list') this.#announce(signed(keysOf(this.#secret), forged('endless.bin')))
  }

  /** False where the victim has asked nothing of it that could be answered badly. */
  get hasStruck(): boolean {
    return this.#struckMs !== 0
  }

  #announce(record: SignedRecord): void {
    this.#say({ type: 'message', message: { type: 'records', after: 0, upTo: 1, records: [record] } })
  }

  async leave(): Promise<void> {
    await this.#host?.[Symbol.asyncDispose]()
  }

  #struck(): void {
    if (this.#struckMs === 0) this.#struckMs = performance.now()
  }

  /** Whatever the victim wants, we have all of it. */
  #hear(frame: Frame): void {
    if (frame.type === 'ping') return this.#say({ type: 'pong', id: frame.id })
    if (frame.type !== 'message' || frame.message.type !== 'want' || !frame.message.wanted) return
    const { root } = frame.message
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
    if (request.type === 'list' && this.#harm === 'endless list') {
      this.#struck()
      stream.send(chunkHeader(LIST, request.id, 2 ** 32 - 1))
      for (let i = 0; i < 64 && stream.status === 'open'; i++)
        stream.send(Buffer.concat([chunkHeader(LISTED, request.id, MAX_CHUNK_BYTES), Buffer.alloc(MAX_CHUNK_BYTES)]))
    }
    if (request.type !== 'pieces' || this.#harm !== 'bad pieces') return
    this.#struck()
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
    root: 'ab'.repeat(32) as RootHash,
    signature: new Uint8Array(64).fill(7),
  }
}
