/** Whatever users do to a tree: once what the scanner told is taken up, the index shows the tree and it tells no more. */
import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Sighting } from '../../src/scan/sighting.ts'
import { ScanBench, told } from './scan-bench.ts'

const somePath = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
  .map((names) => names.join('/'))
const someStep = fc.oneof(
  fc.record({ do: fc.constantFrom('write', 'directory', 'link', 'remove'), at: somePath, to: fc.constant('') }),
  fc.record({ do: fc.constant('rename'), at: somePath, to: somePath }),
)
type Step = { readonly do: string; readonly at: string; readonly to: string }
const rounds = fc.array(fc.array(someStep, { maxLength: 6 }), { minLength: 1, maxLength: 4 })

/** Does what can be done; what cannot, a user could not do either. */
function doStep(bench: ScanBench, step: Step): void {
  const at = join(bench.dir, step.at)
  try {
    if (step.do === 'remove') return rmSync(at, { recursive: true })
    if (step.do === 'rename') return renameSync(at, join(bench.dir, step.to))
    mkdirSync(dirname(at), { recursive: true })
    if (step.do === 'write') writeFileSync(at, String(Math.random()))
    else if (step.do === 'directory') mkdirSync(at)
    else symlinkSync('not/there', at) // so that nothing is written through it
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error)
  }
}

/** 'kind path' of all that stands in the tree. */
function onDisk(bench: ScanBench): string[] {
  return readdirSync(bench.dir, { recursive: true, encoding: 'utf8' }).map((at) => {
    const stats = lstatSync(join(bench.dir, at))
    return `${stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'file'} ${at}`
  })
}

const inIndex = (bench: ScanBench) => [...bench.index.entriesUnder('')].map(({ kind, path }) => `${kind} ${path}`)

/** New directories before what is in them, missing ones after. */
function assertOrder(sightings: readonly Sighting[]): void {
  const all = told(sightings)
  for (const [i, what] of all.entries()) {
    const [seen, at = ''] = what.split(' ')
    const parent = at.slice(0, Math.max(at.lastIndexOf('/'), 0))
    if (seen === 'missing') assert.ok(!all.slice(0, i).includes(`missing ${parent}`), all.join(', '))
    else assert.ok(!all.slice(i).includes(`directory ${parent}`), all.join(', '))
  }
  assert.equal(new Set(all).size, all.length, `told twice: ${all.join(', ')}`)
}

async function withBench(work: (bench: ScanBench) => Promise<void>): Promise<void> {
  const bench = new ScanBench()
  try {
    await work(bench)
  } finally {
    bench.close()
  }
}

/** A directory that became a link with something in it is a problem that waits for the operator: not for this test. */
const hasProblem = (sightings: readonly Sighting[]) => sightings.some(({ seen }) => seen === 'problem')

test('scanning everything', async () => {
  const property = fc.asyncProperty(rounds, (steps) =>
    withBench(async (bench) => {
      for (const round of steps) {
        for (const step of round) doStep(bench, step)
        const sightings = await bench.scanAll()
        if (hasProblem(sightings)) return
        assertOrder(sightings)
        bench.takeUp(sightings)
        assert.deepEqual(inIndex(bench).sort(), onDisk(bench).sort())
        assert.deepEqual(told(await bench.scanAll()), [])
      }
    }),
  )
  await fc.assert(property, { numRuns: 150 })
})

test('scanning only the paths that were touched, in any order', async () => {
  const property = fc.asyncProperty(rounds, fc.infiniteStream(fc.nat()), (steps, chance) =>
    withBench(async (bench) => {
      for (const round of steps) {
        for (const step of round) doStep(bench, step)
        const touched = round.flatMap(({ at, to }) => (to === '' ? [at] : [at, to]))
        for (const at of shuffled(touched, chance)) {
          const sightings = await bench.scanPath(at)
          if (hasProblem(sightings)) return
          assertOrder(sightings)
          bench.takeUp(sightings)
        }
        assert.deepEqual(inIndex(bench).sort(), onDisk(bench).sort())
        assert.deepEqual(told(await bench.scanAll()), [])
      }
    }),
  )
  await fc.assert(property, { numRuns: 150 })
})

function shuffled<T>(list: readonly T[], chance: Iterator<number>): T[] {
  const keyed = list.map((item) => ({ item, key: Number(chance.next().value) }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}
