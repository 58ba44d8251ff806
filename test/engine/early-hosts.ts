/** Hosts of one folder, of which the first hashes as far as the test says, and tells of what it has hashed. */
import { randomBytes } from 'node:crypto'
import { type HostName, type RelPath, type RootHash } from '../../src/base/brand.ts'
import { folderReport } from '../../src/engine/folder-report.ts'
import { type OpenFile } from '../../src/fs/root.ts'
import { MemoryNetwork } from '../../src/net/memory-network.ts'
import { type Hasher, type HashProgress } from '../../src/scan/hasher.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { pieceHash, type PieceList, PieceListBuilder, pieceOffsets } from '../../src/sync/piece-list.ts'
import { HostClock, SimTime } from '../sim/sim-time.ts'
import { generateSecret } from '../../src/base/secret.ts'
import { BenchHost, keysOf } from './two-hosts.ts'

export const PATH = 'debian.iso' as RelPath
export const [ONE, TWO, THREE] = ['one' as HostName, 'two' as HostName, 'three' as HostName]
export const FILE_BYTES = 8_000_000
/** Told of while the rest is hashed, unless a test says otherwise. */
export const EARLY_BYTES = 6_000_000
const STRETCH_BYTES = 1_000_000

/** A file that is being hashed. */
interface Job {
  /** Tells of all pieces up to there. */
  tell(bytes: number): void
  finish(error?: Error): void
}

class ToldHasher implements Pick<Hasher, 'hash'> {
  /** Told of at once. */
  earlyBytes = EARLY_BYTES
  readonly jobs: Job[] = []
  readonly #inline = new InlineHasher()

  async hash(file: OpenFile, size: number, progress: HashProgress, signal: AbortSignal): Promise<PieceList> {
    const list = await this.#inline.hash(file, size, progress, signal)
    let told = 0
    const tell = (bytes: number) => {
      const pieces = between(list, told, bytes)
      told += pieces.count
      progress(bytes, pieces)
    }
    const error = await new Promise<Error | undefined>((finish) => {
      this.jobs.push({ tell, finish })
      signal.addEventListener('abort', () => finish(signal.reason as Error))
      tell(this.earlyBytes)
    })
    if (error !== undefined) throw error
    return list
  }
}

/** The pieces from an ordinal on that end by `bytes`. */
export function between(list: PieceList, from: number, bytes: number): PieceList {
  const [pieces, offsets] = [new PieceListBuilder(), pieceOffsets(list)]
  for (let i = from; i < list.count && offsets[i + 1]! <= bytes; i++)
    pieces.add(pieceHash(list, i), offsets[i + 1]! - offsets[i]!)
  return pieces.build()
}

export interface EarlyHostsOptions {
  readonly hosts?: number
  readonly latencyMs?: number
  readonly earlyBytes?: number
}

export class EarlyHosts {
  readonly time = new SimTime()
  readonly network: MemoryNetwork
  readonly hasher = new ToldHasher()
  readonly hosts: readonly BenchHost[]
  /** Bytes of pieces that the first has served, of contents and stretches. */
  servedBytes = 0

  constructor({ hosts = 2, latencyMs = 1, earlyBytes = EARLY_BYTES }: EarlyHostsOptions = {}) {
    const keys = keysOf(generateSecret())
    const telling = { stretchBytes: STRETCH_BYTES, afterMs: 0 }
    this.hasher.earlyBytes = earlyBytes
    this.network = new MemoryNetwork({ latencyMs }, { clock: new HostClock({ time: this.time, wallMs: () => 0 }) })
    this.hosts = [ONE, TWO, THREE].slice(0, hosts).map((name) => {
      const options = name === ONE ? { hasher: this.hasher, telling } : {}
      return new BenchHost(name, keys, this.time, this.network, options)
    })
    this.#count(this.one)
  }

  get one(): BenchHost {
    return this.hosts[0]!
  }

  get two(): BenchHost {
    return this.hosts[1]!
  }

  get three(): BenchHost {
    return this.hosts[2]!
  }

  /** The file that `one` hashes, or hashed last. */
  get job(): Job {
    return this.hasher.jobs.at(-1)!
  }

  pass(ms: number): Promise<void> {
    return this.time.pass(ms)
  }

  /** A user writes a file on `one`; resolves when it is being hashed. */
  async drop(content: string, path: string = PATH): Promise<void> {
    if (this.time.nowMs === 0) await this.pass(1_000)
    const begun = this.hasher.jobs.length
    this.one.root.user.write(path, content)
    this.one.hint(path)
    for (let ms = 0; ms < 10_000 && this.hasher.jobs.length === begun; ms++) await this.pass(1)
  }

  async untilServed(bytes: number): Promise<void> {
    for (let ms = 0; ms < 10_000 && this.servedBytes < bytes; ms++) await this.pass(1)
  }

  /** What `two` shows. */
  shown() {
    const { folder, index } = this.two
    const { problems, transfers, state } = folderReport({ folder, index, hosts: () => [] })
    return { problems: problems.map(({ kind }) => kind), transfers, state }
  }

  /** How many files `two` has in staging. */
  async staged(): Promise<number> {
    return (await this.two.root.listStaged()).length
  }

  async close(): Promise<void> {
    for (const job of this.hasher.jobs) job.finish(new Error('the test is over'))
    const closed = Promise.all(this.hosts.map(({ folder }) => folder.close()))
    await this.pass(10_000)
    await closed
  }

  #count({ folder }: BenchHost): void {
    const serve = folder.server.piece.bind(folder.server)
    folder.server.piece = async (root: RootHash, ordinal: number) => {
      const piece = await serve(root, ordinal)
      this.servedBytes += piece?.bytes.byteLength ?? 0
      return piece
    }
  }
}

/** Random letters: what is read as text comes out as it went in. */
export function image(bytes = FILE_BYTES): string {
  return randomBytes(bytes)
    .toString('latin1')
    .replaceAll(/[^\x00-\x7f]/g, 'x')
}
