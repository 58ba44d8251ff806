import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { Noticing, type NoticingNeeds } from '../../src/engine/noticing.ts'
import { type Scan } from '../../src/scan/scanner.ts'
import { type Sighting } from '../../src/scan/sighting.ts'

const SIGHTINGS = ['a', 'b', 'c'].map((path): Sighting => {
  return { seen: 'missing', path: path as RelPath, entry: { kind: 'absent', path: path as RelPath, version: [] } }
})

const isAsKnown = () => Promise.resolve(false)

async function* seen(): AsyncGenerator<Sighting> {
  yield* SIGHTINGS
}

function noticing(room: NoticingNeeds['room'], more: Partial<NoticingNeeds> = {}) {
  const sighted: string[] = []
  const scan = () => ({ [Symbol.asyncIterator]: seen }) as unknown as Scan
  const nothing = () => {}
  const it = new Noticing(
    { intervalMs: () => null },
    {
      scanner: { scanAll: scan, scanPath: scan, isAsKnown },
      sighted: (sighting) => void (sighting.seen === 'missing' && sighted.push(sighting.path)),
      room,
      vanished: nothing,
      quiet: nothing,
      rootTrouble: () => Promise.resolve(null),
      halted: nothing,
      sound: nothing,
      scanning: nothing,
      scanned: nothing,
      clock: systemClock,
      log: silentLog,
      ...more,
    },
  )
  return { it, sighted, soon: () => new Promise((resolve) => setImmediate(resolve)) }
}

test('a scan goes no further while there is no room for more, and to its end when there is', async () => {
  const room = Promise.withResolvers<void>()
  const { it, sighted, soon } = noticing(() => room.promise)
  const scanned = it.rescan()
  while (sighted.length === 0) await soon()
  await soon()
  assert.deepEqual(sighted, ['a'])
  room.resolve()
  await scanned
  assert.deepEqual(sighted, ['a', 'b', 'c'])
})

test('a scan that waits for room ends when the folder closes', async () => {
  const { it, sighted, soon } = noticing((signal) => systemClock.sleep(3_600_000, signal))
  void it.rescan()
  while (sighted.length === 0) await soon()
  await it.close()
  assert.deepEqual(sighted, ['a'])
})

/** Does it when so many others have had their turn: at any of these moments something else may end. */
function after(turns: number, work: () => void): void {
  if (turns === 0) work()
  else queueMicrotask(() => after(turns - 1, work))
}

const none = () => ({ async *[Symbol.asyncIterator]() {} }) as unknown as Scan

test('a hint is looked at also if it comes when the last look is just about to end', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const looked: RelPath[] = []
    const quiet = (path: RelPath) => {
      looked.push(path)
      if (path === 'a') after(turns, () => it.hint('b' as RelPath))
    }
    const { it, soon } = noticing(() => undefined, { scanner: { scanAll: none, scanPath: none, isAsKnown }, quiet })
    it.hint('a' as RelPath)
    await soon()
    assert.deepEqual(looked, ['a', 'b'], `${turns} turns later`)
  }
})

test('all is scanned once more also if that is asked for when a scan is just about to end', async () => {
  for (let turns = 0; turns < 12; turns++) {
    let scans = 0
    const scanned = () => {
      if (scans++ === 0) after(turns, () => void it.rescan())
    }
    const { it, soon } = noticing(() => undefined, { scanner: { scanAll: none, scanPath: none, isAsKnown }, scanned })
    void it.rescan()
    await soon()
    await soon()
    assert.equal(scans, 2, `${turns} turns later`)
  }
})
