/** Scrubbing on a disk in memory and a clock that is told to go on: weeks pass in a second. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import { type FolderKeys, generateSecret, parseSecret } from '../../src/base/secret.ts'
import { type FolderIndex } from '../../src/db/index-port.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { Committer } from '../../src/engine/committer.ts'
import { type FolderSettings } from '../../src/engine/folder-settings.ts'
import { PathLocks } from '../../src/engine/path-locks.ts'
import { ProblemList } from '../../src/engine/problem-list.ts'
import { ScrubSide } from '../../src/engine/scrub-side.ts'
import { fileEntry } from '../../src/engine/tree-changes.ts'
import { type MemoryOp, MemoryRoot } from '../../src/fs/memory-root.ts'
import { type FsErrorCode } from '../../src/fs/root.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { type PieceChecker, InlineChecker } from '../../src/scan/piece-checker.ts'
import { rootHash } from '../../src/sync/piece-list.ts'
import { fileRecord, path, versionOf } from '../db/index-samples.ts'
import { settle, VirtualClock } from '../net/virtual-clock.ts'

const DAY_MS = 86_400_000
const INTERVAL_MS = 10 * DAY_MS
const FILES = 40
const FILE_BYTES = 200_000
/** What the disk takes for a file. */
const READ_MS = 500

class Bench {
  readonly clock = new VirtualClock()
  readonly lost: RelPath[] = []
  /** The contents that those were told of who want them. */
  readonly told: RootHash[] = []
  readonly rescanned: RelPath[] = []
  readonly said: string[] = []
  /** When each check of a file began. */
  readonly reads: { path: string; atMs: number }[] = []
  intervalMs: number | null = INTERVAL_MS
  halted = false
  fails: (op: MemoryOp, path: string) => FsErrorCode | null = () => null
  readonly index: FolderIndex
  readonly root: MemoryRoot
  readonly problems: ProblemList
  side: ScrubSide
  readonly #keys: FolderKeys

  constructor() {
    const keys = parseSecret(generateSecret())
    assert(typeof keys !== 'string')
    this.#keys = keys
    this.root = new MemoryRoot({}, { now: () => this.clock.now() * 1000, fail: (op, at) => this.#opened(op, at) })
    this.index = openIndexDatabase(':memory:').folder(this.#keys.id)
    this.problems = new ProblemList({ log: silentLog })
    this.side = this.#build()
  }

  async add(name: string): Promise<void> {
    this.root.user.write(name, randomBytes(FILE_BYTES))
    const file = await this.root.open(path(name))
    const list = await new InlineHasher().hash(file, FILE_BYTES, () => {}, new AbortController().signal)
    const root = rootHash(list)
    const entry = fileEntry(path(name), root, versionOf('a', 1), await file.stat())
    this.index.commit([
      { op: 'content', root, list },
      { op: 'entry', entry },
    ])
    this.reads.length = 0
  }

  /** As after a restart: only disk and index are what they were. */
  async restart(): Promise<void> {
    await this.side.scrubber.close()
    this.side = this.#build()
    this.side.scrubber.start()
  }

  readsOf(): Map<string, number> {
    return new Map([...Map.groupBy(this.reads, (read) => read.path)].map(([at, reads]) => [at, reads.length]))
  }

  #opened(op: MemoryOp, at: string): FsErrorCode | null {
    if (op === 'open') this.reads.push({ path: at, atMs: this.clock.elapsed() })
    return this.fails(op, at)
  }

  #build(): ScrubSide {
    const { clock, index, root, problems } = this
    const settings = () => ({ keys: this.#keys, scrubIntervalMs: this.intervalMs }) as FolderSettings
    const say = (_: object, sentence: string) => void this.said.push(sentence)
    const log: Log = { ...silentLog, info: say, warn: say, error: say }
    return new ScrubSide({
      settings,
      disk: root,
      index,
      committer: new Committer({ index, clock, failed: () => {} }),
      locks: new PathLocks(),
      problems,
      hasher: new InlineHasher(),
      checker: slow(clock),
      isHalted: () => this.halted,
      lost: (at, root) => void (this.lost.push(at), this.told.push(root)),
      rescan: (at) => this.rescanned.push(at),
      clock,
      log,
    })
  }
}

/** A disk that takes its time. */
function slow(clock: VirtualClock): PieceChecker {
  const inline = new InlineChecker({ elapsed: () => clock.elapsed() })
  return {
    check: async (...given) => {
      await clock.sleep(READ_MS)
      return { ...(await inline.check(...given)), readMs: READ_MS }
    },
    rest: async () => {},
  }
}

describe('scrubbing', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = new Bench()
    for (let i = 0; i < FILES; i++) await bench.add(`${i % 3}/f${i}`)
  })

  /** The scrub is asked for, and time goes on until it is done. */
  async function scrubNow(at: RelPath | null) {
    const now = bench.side.scrubber.scrubNow(at)
    for (let i = 0; now.running && i < 1000; i++) await bench.clock.pass(1000)
    await settle()
    return now
  }

  test('reads each file once in the interval, spread evenly, and then again', async () => {
    bench.side.scrubber.start()
    await bench.clock.pass(INTERVAL_MS + DAY_MS / 10)
    const round = bench.reads.slice(0, FILES)
    assert.equal(new Set(round.map((read) => read.path)).size, FILES, 'each once')
    for (const [i, { atMs }] of round.entries())
      assert.ok(Math.abs(atMs - (i / FILES) * INTERVAL_MS) < INTERVAL_MS / 50, `file ${i} was read at ${atMs}`)
    assert.ok(bench.index.scrubRound().endedMs !== null)
    await bench.clock.pass(INTERVAL_MS)
    assert.equal(new Set(bench.reads.slice(FILES, 2 * FILES).map((read) => read.path)).size, FILES)
    assert.ok(bench.reads.length <= 2 * FILES + 1, 'and no more')
    await bench.side.scrubber.close()
  })

  test('rests nine times as long as it reads, also when it is behind', async () => {
    bench.intervalMs = 1000
    bench.side.scrubber.start()
    await bench.clock.pass(60_000 + FILES * READ_MS * 10 * 2)
    for (const [i, { atMs }] of bench.reads.slice(1).entries())
      assert.ok(atMs - (bench.reads[i]?.atMs ?? 0) >= READ_MS * 10, `file ${i + 1}`)
    assert.ok(bench.reads.length > FILES)
    await bench.side.scrubber.close()
  })

  test('goes on after a restart where it was', async () => {
    bench.side.scrubber.start()
    for (let i = 0; i < 4; i++) {
      await bench.clock.pass(INTERVAL_MS / 4)
      await bench.restart()
    }
    await bench.clock.pass(DAY_MS / 10)
    assert.equal(new Set(bench.reads.slice(0, FILES).map((read) => read.path)).size, FILES)
    await bench.side.scrubber.close()
  })

  test('does nothing by itself with an interval of 0, or while the folder is halted', async () => {
    bench.intervalMs = null
    bench.side.scrubber.start()
    await bench.clock.pass(INTERVAL_MS)
    bench.intervalMs = INTERVAL_MS
    bench.halted = true
    await bench.clock.pass(INTERVAL_MS)
    assert.equal(bench.reads.length, 0)
    bench.halted = false
    await bench.clock.pass(INTERVAL_MS + DAY_MS)
    assert.equal(bench.readsOf().size, FILES)
    await bench.side.scrubber.close()
  })

  test('a round and stamps from a clock that was wrong do not keep files from being read', async () => {
    const atMs = bench.clock.now() + 3650 * DAY_MS
    for (const { path } of bench.index.scrubFiles()) {
      const entry = bench.index.entry(path)
      assert(entry?.kind === 'file')
      bench.index.commit([{ op: 'verified', path, root: entry.root, atMs }])
    }
    bench.index.commit([{ op: 'scrub-round', round: { beganMs: atMs, endedMs: null } }])
    bench.side.scrubber.start()
    await bench.clock.pass(INTERVAL_MS + DAY_MS)
    assert.equal(bench.readsOf().size, FILES)
    await bench.side.scrubber.close()
  })

  test('a clock that is set back by years in the midst of a round does not keep files from being read', async () => {
    bench.clock.skewMs = 3650 * DAY_MS
    bench.side.scrubber.start()
    await bench.clock.pass(INTERVAL_MS / 2)
    bench.clock.skewMs = 0
    const before = bench.reads.length
    await bench.clock.pass(INTERVAL_MS + DAY_MS)
    assert.equal(new Set(bench.reads.slice(before).map((read) => read.path)).size, FILES)
    await bench.side.scrubber.close()
  })

  test('says what lies where a bit has flipped, and that the file is lost, and nothing of the others', async () => {
    const before = bench.index.entry(path('1/f4'))
    bench.root.user.rot('1/f4', 70_000)
    const now = await scrubNow(null)
    assert.deepEqual([...now.rot], ['1/f4'])
    assert.deepEqual(bench.lost, ['1/f4'])
    const after = bench.index.entry(path('1/f4'))
    assert(before?.kind === 'file' && after?.kind === 'file')
    assert.notEqual(after.root, before.root)
    assert.deepEqual({ ...after, root: before.root, version: before.version }, before)
    assert.deepEqual(after.version, [])
    assert.deepEqual(bench.index.placesOf(before.root), [])
    const [rotten] = bench.index.rotten()
    assert.deepEqual([rotten?.path, rotten?.badPieces], ['1/f4', 1])
    assert.deepEqual(bench.said.filter((line) => line.includes('rotted')).length, 1)
    assert.deepEqual([(await scrubNow(null)).rot.size, bench.lost.length], [1, 1], 'known, and told once')
  })

  test('leaves what somebody has changed to the scanner', async () => {
    await bench.clock.pass(5000)
    bench.root.user.write('1/f4', randomBytes(FILE_BYTES))
    bench.root.user.delete('1/f7')
    const now = await scrubNow(null)
    assert.deepEqual([now.rot.size, now.touchedFiles], [0, 2])
    assert.deepEqual(bench.rescanned, ['1/f4', '1/f7'])
    assert.deepEqual([bench.lost, bench.index.rotten()], [[], []])
  })

  test('does not call rotten what reads right the second time', async () => {
    let failed = false
    bench.fails = (op, at) => (op === 'read' && at === '1/f4' && !failed && (failed = true) ? 'io' : null)
    const now = await scrubNow(path('1/f4'))
    assert.deepEqual([failed, now.rot.size, bench.lost.length], [true, 0, 0])
    assert.match(bench.said.join('\n'), /1\/f4 could not be read right, and then it could: look at the disk/)
  })

  test('heals what the disk does not give at all', async () => {
    bench.fails = (op, at) => (op === 'read' && at === '1/f4' ? 'io' : null)
    const now = await scrubNow(path('1/f4'))
    assert.deepEqual([...now.rot], ['1/f4'])
    assert.deepEqual(bench.lost, ['1/f4'])
  })

  test('finds by itself that what the disk did not give for a while is right after all, although no host has it', async () => {
    const right = bench.index.entry(path('1/f4'))
    assert(right?.kind === 'file')
    bench.index.commit([
      {
        op: 'records',
        path: right.path,
        records: [{ ...fileRecord('1/f4', 'c'), root: right.root, size: right.size }],
      },
    ])
    bench.intervalMs = null
    bench.side.scrubber.start()
    bench.fails = (op, at) => (op === 'read' && at === '1/f4' ? 'io' : null)
    await scrubNow(path('1/f4'))
    await bench.clock.pass(DAY_MS / 12)
    assert.equal(bench.index.rotten().length, 1)
    bench.fails = () => null
    await bench.clock.pass(DAY_MS / 12)
    assert.deepEqual(bench.index.rotten(), [])
    const now = bench.index.entry(right.path)
    assert.ok(now?.kind === 'file' && now.root === right.root)
    assert.equal(bench.lost.at(-1), '1/f4', 'and the records decide about it again')
    assert.equal(bench.told.at(-1), right.root, 'and those who want it hear that it is here')
    assert.match(bench.said.join('\n'), /1\/f4 reads right again/)
  })

  test('shows what it may not read, and says so to the operator who asked', async () => {
    bench.fails = (op, at) => (op === 'open' && at === '1/f4' ? 'denied' : null)
    const now = await scrubNow(null)
    assert.deepEqual([now.unreadFiles, [...now.unread.keys()]], [1, ['1/f4']])
    assert.ok(bench.problems.has('unreadable', '1/f4'))
    bench.fails = () => null
    await scrubNow(path('1/f4'))
    assert.ok(!bench.problems.has('unreadable', '1/f4'))
  })

  test('reads a file at once whose piece was not right when it was served', async () => {
    const entry = bench.index.entry(path('1/f4'))
    assert(entry?.kind === 'file')
    bench.root.user.rot('1/f4', 5)
    const [place] = bench.index.placesOf(entry.root)
    assert(place)
    for (let i = 0; i < 10; i++) bench.side.suspect(place)
    await bench.clock.pass(10_000)
    assert.deepEqual(bench.lost, ['1/f4'])
  })
})
