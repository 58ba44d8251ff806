/** What goes from the archive by itself, and what does not: a clock that is wrong and a disk that is away cost nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { ArchiveKeeper } from '../../src/engine/archive-keeper.ts'
import { Committer } from '../../src/engine/committer.ts'
import { PathLocks } from '../../src/engine/path-locks.ts'
import { MemoryDisk } from '../../src/fs/memory-disk.ts'
import { MemoryRoot } from '../../src/fs/memory-root.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { folderNamed, path, rootNamed } from '../db/index-samples.ts'
import { HostClock, SimTime } from '../sim/sim-time.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const TTL_MS = 30 * DAY_MS
const YEARS_MS = 3650 * DAY_MS
/** The look is hourly, and what came in between stays an hour longer. */
const SLACK_MS = 3 * HOUR_MS

class Bench {
  readonly time = new SimTime()
  skewMs = 0
  trouble: string | null = null
  readonly clock = new HostClock({ time: this.time, wallMs: () => 1.7e12 + this.skewMs + this.time.nowMs })
  readonly root = new MemoryRoot({}, { now: () => Math.floor(this.clock.now() * 1000) })
  readonly index = openIndexDatabase(':memory:').folder(folderNamed('f'))
  keeper = this.#keeper()

  /** Puts a file into the archive, as a deletion by another host does. */
  async archive(name: string): Promise<void> {
    this.root.user.write(name, name)
    const stat = await this.root.stat(path(name))
    assert.ok(stat !== null)
    const archivedMs = this.clock.now()
    const archived = await this.root.remove(path(name), stat, { to: 'archive', nowMs: archivedMs })
    assert.ok(archived !== null)
    const file = { name: archived.name, path: path(name), root: rootNamed(name), size: stat.size } as const
    this.index.commit([{ op: 'archived', file: { ...file, reason: 'deleted', archivedMs } }])
  }

  /** What both the index and the disk still have. */
  async kept(): Promise<readonly string[]> {
    const onDisk = (await this.root.listArchive()).map(({ name }) => name)
    const known = this.index.archive()
    assert.deepEqual(known.map(({ name }) => name).sort(), onDisk.sort())
    return known.map((file) => file.path)
  }

  async restart(): Promise<void> {
    const stopped = this.keeper.stop()
    await this.time.pass(10)
    await stopped
    this.keeper = this.#keeper()
    this.keeper.start()
    await this.time.pass(10)
  }

  #keeper(): ArchiveKeeper {
    const { index, clock } = this
    const committer = new Committer({ index, clock, failed: () => {} })
    return new ArchiveKeeper(
      { ttlMs: () => TTL_MS },
      {
        disk: this.root,
        index,
        rootTrouble: async () => this.trouble,
        hasher: new InlineHasher(),
        committer,
        locks: new PathLocks(),
        takeNow: async () => {},
        clock,
        log: silentLog,
      },
    )
  }
}

test('a file goes when it has been kept for its time, and not before', async () => {
  const bench = new Bench()
  bench.keeper.start()
  await bench.archive('first')
  await bench.time.pass(10 * DAY_MS)
  await bench.archive('second')
  await bench.time.pass(TTL_MS - 10 * DAY_MS)
  assert.deepEqual(await bench.kept(), ['first', 'second'])
  await bench.time.pass(SLACK_MS)
  assert.deepEqual(await bench.kept(), ['second'])
  await bench.time.pass(10 * DAY_MS)
  assert.deepEqual(await bench.kept(), [])
})

for (const [name, skewMs] of [
  ['ahead', YEARS_MS],
  ['back', -YEARS_MS],
] as const)
  test(`a clock that jumps ${name} by ten years, and back again, neither removes a file nor keeps one for ever`, async () => {
    const bench = new Bench()
    bench.keeper.start()
    await bench.archive('before')
    bench.skewMs = skewMs
    await bench.archive('meanwhile')
    await bench.time.pass(DAY_MS)
    await bench.restart()
    assert.deepEqual(await bench.kept(), ['before', 'meanwhile'])
    bench.skewMs = 0
    await bench.time.pass(DAY_MS)
    await bench.restart()
    assert.deepEqual(await bench.kept(), ['before', 'meanwhile'])
    await bench.time.pass(TTL_MS)
    assert.deepEqual(await bench.kept(), [])
  })

test('the time before a restart counts, also where a daemon never runs for an hour', async () => {
  const bench = new Bench()
  await bench.archive('a')
  for (let hours = 0; hours < TTL_MS / HOUR_MS + 2; hours += 0.5) {
    await bench.time.pass(HOUR_MS / 2)
    await bench.restart()
  }
  await bench.time.pass(SLACK_MS)
  assert.deepEqual(await bench.kept(), [])
})

test('while the disk is away nothing is forgotten: neither by itself nor because the operator says so', async () => {
  const bench = new Bench()
  bench.keeper.start()
  await bench.archive('a')
  const { disk } = bench.root
  bench.root.disk = new MemoryDisk({ now: () => 0 })
  bench.trouble = 'the disk is away'
  await bench.time.pass(TTL_MS + SLACK_MS)
  await assert.rejects(bench.keeper.purge({ what: 'all' }), /the disk is away/)
  await assert.rejects(bench.keeper.restore('a', null), /the disk is away/)
  bench.root.disk = disk
  assert.deepEqual(await bench.kept(), ['a'])
  bench.trouble = null
  await bench.time.pass(SLACK_MS)
  assert.deepEqual(await bench.kept(), [])
})
