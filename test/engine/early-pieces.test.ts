/** A host fetches what another is still hashing: what crosses meanwhile, what becomes of it, and what never does. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type HostName, type RelPath, type RootHash } from '../../src/base/brand.ts'
import { folderReport } from '../../src/engine/folder-report.ts'
import { type OpenFile } from '../../src/fs/root.ts'
import { HashedFileChanged, type Hasher, type HashProgress } from '../../src/scan/hasher.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import {
  MAX_PIECE_BYTES,
  pieceHash,
  type PieceList,
  PieceListBuilder,
  pieceOffsets,
} from '../../src/sync/piece-list.ts'
import { listOf } from '../scan/open-files.ts'
import { type BenchHost, TwoHosts, type TwoHostsOptions } from './two-hosts.ts'

const PATH = 'debian.iso' as RelPath
const [ONE, TWO] = ['one' as HostName, 'two' as HostName]
const FILE_BYTES = 8_000_000
/** Hashed and told of; the rest when the test says so. */
const EARLY_BYTES = 6_000_000
const ALL_COME_MS = 5_000
const FORGOTTEN_MS = 200_000

/** Tells of the first pieces of a file, and waits. */
class WaitingHasher implements Pick<Hasher, 'hash'> {
  finish: (error?: Error) => void = () => {}
  readonly #inline = new InlineHasher()

  async hash(file: OpenFile, size: number, progress: HashProgress, signal: AbortSignal): Promise<PieceList> {
    const list = await this.#inline.hash(file, size, progress, signal)
    progress(EARLY_BYTES, first(list, EARLY_BYTES))
    const error = await new Promise<Error | undefined>((resolve) => (this.finish = resolve))
    if (error !== undefined) throw error
    return list
  }
}

function first(list: PieceList, bytes: number): PieceList {
  const [pieces, offsets] = [new PieceListBuilder(), pieceOffsets(list)]
  for (let i = 0; offsets[i + 1]! <= bytes; i++) pieces.add(pieceHash(list, i), offsets[i + 1]! - offsets[i]!)
  return pieces.build()
}

class Bench extends TwoHosts {
  readonly hasher: WaitingHasher
  /** Bytes of pieces that `one` has served, by name of content or stretch. */
  readonly served = new Map<RootHash, number>()

  constructor(options: TwoHostsOptions = {}) {
    const hasher = new WaitingHasher()
    super({ ...options, one: { hasher, stretchBytes: 1_000_000 } })
    this.hasher = hasher
    this.count(this.one)
  }

  count({ folder }: BenchHost): void {
    const serve = folder.server.piece.bind(folder.server)
    folder.server.piece = async (root, ordinal) => {
      const piece = await serve(root, ordinal)
      this.served.set(root, (this.served.get(root) ?? 0) + (piece?.bytes.byteLength ?? 0))
      return piece
    }
  }

  get servedBytes(): number {
    return this.served.values().reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Drops a file on `one`, and lets come what comes while it is hashed. */
  async drop(content: string, path: string = PATH): Promise<void> {
    await this.pass(1_000)
    this.one.root.user.write(path, content)
    this.one.hint(path)
    await this.pass(ALL_COME_MS)
  }

  /** The same, but goes on when the first bytes have been served. */
  async begin(content: string): Promise<void> {
    await this.pass(1_000)
    this.one.root.user.write(PATH, content)
    this.one.hint(PATH)
    for (let ms = 0; ms < 10_000 && this.servedBytes < 2_000_000; ms++) await this.pass(1)
  }
}

function image(bytes = FILE_BYTES): string {
  return randomBytes(bytes)
    .toString('latin1')
    .replaceAll(/[^\x00-\x7f]/g, 'x')
}

async function staged({ root }: BenchHost): Promise<number> {
  return (await root.listStaged()).length
}

test('what has been hashed crosses while the rest is hashed, and once', async () => {
  const hosts = new Bench()
  const content = image()
  await hosts.drop(content)
  assert.deepEqual([hosts.two.tree(), await staged(hosts.two)], [{}, 1])
  assert.ok(hosts.servedBytes > EARLY_BYTES - 1_000_000 - MAX_PIECE_BYTES, String(hosts.servedBytes))
  hosts.hasher.finish()
  await hosts.pass(ALL_COME_MS)
  assert.deepEqual(hosts.two.tree(), { [PATH]: content })
  assert.equal(hosts.servedBytes, FILE_BYTES)
  assert.deepEqual([await staged(hosts.two), hosts.two.problems()], [0, []])
  await hosts.close()
})

test('what is on its way when the rest has been hashed is not asked for again', async () => {
  const hosts = new Bench({ latencyMs: 100 })
  const content = image()
  await hosts.begin(content)
  hosts.hasher.finish()
  await hosts.pass(ALL_COME_MS)
  assert.deepEqual(hosts.two.tree(), { [PATH]: content })
  assert.equal(hosts.servedBytes, FILE_BYTES)
  await hosts.close()
})

test('what changed while it was hashed is dropped, and nobody is said to lack it', async () => {
  const hosts = new Bench({ latencyMs: 100 })
  await hosts.begin(image())
  hosts.one.root.user.delete(PATH)
  hosts.hasher.finish(new HashedFileChanged('it changed'))
  await hosts.pass(FORGOTTEN_MS)
  assert.deepEqual([hosts.two.tree(), await staged(hosts.two)], [{}, 0])
  const { folder, index } = hosts.two
  const { problems, transfers } = folderReport({ folder, index, hosts: () => [] })
  assert.deepEqual([problems, transfers], [[], []])
  await hosts.close()
})

test('what came of a file whose host goes away is used when that comes back', async () => {
  const hosts = new Bench()
  const content = image()
  await hosts.drop(content)
  const early = hosts.servedBytes
  hosts.network.cut(ONE, TWO)
  await hosts.pass(30_000)
  hosts.hasher.finish()
  hosts.network.join(ONE, TWO)
  await hosts.pass(60_000)
  assert.deepEqual(hosts.two.tree(), { [PATH]: content })
  assert.ok(early > 0)
  assert.equal(hosts.servedBytes, FILE_BYTES)
  await hosts.close()
})

test('a path that is known already is not fetched before its record says so: the brake may hold it', async () => {
  const hosts = new Bench()
  await hosts.drop(image())
  hosts.hasher.finish()
  await hosts.pass(ALL_COME_MS)
  hosts.served.clear()
  const second = image()
  await hosts.drop(second)
  const [one] = hosts.two.folder.peers()
  const list = first(listOf(Buffer.from(second)), EARLY_BYTES)
  hosts.two.folder.message(one!, { type: 'stretch', stretch: { path: PATH, fileSize: FILE_BYTES, offset: 0, list } })
  await hosts.pass(1_000)
  assert.equal(hosts.one.folder.stretches.begin(PATH, FILE_BYTES), null)
  assert.deepEqual([hosts.servedBytes, await staged(hosts.two)], [0, 0])
  hosts.hasher.finish()
  await hosts.pass(30_000)
  assert.deepEqual(hosts.two.tree(), { [PATH]: second })
  await hosts.close()
})

test('a copy of an image that is here already is not fetched', async () => {
  const hosts = new Bench()
  const content = image()
  await hosts.drop(content)
  hosts.hasher.finish()
  await hosts.pass(ALL_COME_MS)
  hosts.served.clear()
  await hosts.drop(content, 'copy.iso')
  assert.equal(await staged(hosts.two), 0)
  hosts.hasher.finish()
  await hosts.pass(ALL_COME_MS)
  assert.deepEqual([Object.keys(hosts.two.tree()), hosts.servedBytes], [['copy.iso', PATH], 0])
  await hosts.close()
})

test('a host that may only read cannot make others fetch anything', async () => {
  const hosts = new Bench({ twoIsReadOnly: true })
  await hosts.pass(1_000)
  const [reader] = hosts.one.folder.peers()
  const list = first(listOf(randomBytes(1_000_000)), 900_000)
  hosts.one.folder.message(reader!, {
    type: 'stretch',
    stretch: { path: 'bad.iso' as RelPath, fileSize: 10_000_000, offset: 0, list },
  })
  await hosts.pass(1_000)
  assert.deepEqual([await staged(hosts.one), hosts.one.folder.remote.downloader.transfers()], [0, []])
  await hosts.close()
})

test('what has come early goes when the root does, and its file arrives all the same', async () => {
  const hosts = new Bench()
  const content = image()
  await hosts.drop(content)
  assert.equal(await staged(hosts.two), 1)
  hosts.two.folder.remote.pause('its disk is gone')
  await hosts.pass(1_000)
  assert.equal(await staged(hosts.two), 0)
  hosts.two.folder.remote.resume()
  hosts.hasher.finish()
  await hosts.pass(ALL_COME_MS)
  assert.deepEqual(hosts.two.tree(), { [PATH]: content })
  await hosts.close()
})
