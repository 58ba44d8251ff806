import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { type Observed } from '../../src/sync/local-record.ts'
import { losersOf } from '../../src/sync/merge.ts'
import { HostModel } from './hosts-model.ts'
import { path, root } from './record-samples.ts'

const paths = [path('a.iso'), path('b.iso')]
const HOSTS = 3

type Step =
  | { readonly do: 'put'; readonly host: number; readonly path: RelPath; readonly what: Observed }
  | { readonly do: 'rename' | 'scan' | 'reconcile'; readonly host: number; readonly path: RelPath }
  | { readonly do: 'tell'; readonly host: number; readonly to: number; readonly path: RelPath }
  | { readonly do: 'lose-index'; readonly host: number }

const host = fc.nat(HOSTS - 1)
const where = { host, path: fc.constantFrom(...paths) }
const content = fc.constantFrom('1', '2', '3', '4')
const anything: fc.Arbitrary<Observed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.nat(5_000_000), content.map(root))
      .map(([mtimeUs, root]): Observed => ({ kind: 'file', size: 1, mtimeUs, root })),
  },
  { weight: 3, arbitrary: fc.constant<Observed>({ kind: 'absent' }) },
  { weight: 1, arbitrary: fc.constant<Observed>({ kind: 'directory' }) },
  { weight: 1, arbitrary: content.map((target): Observed => ({ kind: 'link', target })) },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), ...where, what: anything }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rename' as const), ...where }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('scan' as const), ...where }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('reconcile' as const), ...where }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('tell' as const), ...where, to: host }) },
)
const stepOrLoss = fc.oneof(
  { weight: 19, arbitrary: step },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose-index' as const), host }) },
)

/** Hosts whose clocks are apart, and the contents whose last copy no user has removed with his own hand. */
class World {
  readonly hosts = [0, 3_000_000, -2_000_000].map((skewUs, i) => new HostModel(i, skewUs))
  readonly #inPlay = new Set<RootHash>()
  #nowUs = 2_000_000

  take(step: Step): void {
    this.#nowUs += 300_000
    const host = this.host(step.host)
    switch (step.do) {
      case 'put':
        return this.#put(host, step.path, step.what)
      case 'rename':
        return this.#rename(host, step.path)
      case 'scan':
        return host.scan(step.path, this.#nowUs)
      case 'reconcile':
        return void host.reconcile(step.path)
      case 'tell':
        return this.host(step.to).receive(step.path, host.records.get(step.path) ?? [])
      case 'lose-index':
        return host.loseIndex()
    }
  }

  host(i: number): HostModel {
    const host = this.hosts[i]
    assert.ok(host)
    return host
  }

  /** All hosts scan, tell each other everything and carry it out, until all are silent. */
  settle(): void {
    for (let round = 0; round < 10; round++) {
      let busy = false
      for (const path of paths) {
        for (const host of this.hosts) host.scan(path, (this.#nowUs += 300_000))
        for (const from of this.hosts) for (const to of this.hosts) to.receive(path, from.records.get(path) ?? [])
        for (const host of this.hosts) busy = host.reconcile(path) || busy
      }
      if (!busy && round > 0) return
    }
    assert.fail('the hosts do not come to rest')
  }

  /** Contents that a user wrote and nobody has, although it was not a user who removed the last copy. */
  lost(): RootHash[] {
    return [...this.#inPlay].filter((root) => !this.#isHeld(root))
  }

  #put(host: HostModel, path: RelPath, what: Observed): void {
    const before = host.tree.get(path)
    host.userDoes(path, what)
    if (before?.kind === 'file' && !this.#isHeld(before.root)) this.#inPlay.delete(before.root)
    if (what.kind === 'file') this.#inPlay.add(what.root)
  }

  #isHeld(root: RootHash): boolean {
    return this.hosts.some((host) => host.has(root))
  }

  #rename(host: HostModel, path: RelPath): void {
    const to = paths[(paths.indexOf(path) + 1) % paths.length] ?? path
    const what = host.tree.get(path)
    if (what === undefined) return
    this.#put(host, to, what)
    host.userDoes(path, { kind: 'absent' })
  }
}

function treesOf({ hosts }: World): unknown[] {
  return hosts.map((host) => paths.map((path) => host.tree.get(path) ?? { kind: 'absent' }))
}

function assertAllEqual(things: readonly unknown[]): void {
  for (const thing of things) assert.deepEqual(thing, things[0])
}

const runs = fc.array(step, { minLength: 10, maxLength: 60 })
const runsWithLosses = fc.array(stepOrLoss, { minLength: 10, maxLength: 60 })

test('hosts that have told each other everything hold the same: trees, records, entries, versions', () => {
  fc.assert(
    fc.property(runsWithLosses, (steps) => {
      const world = new World()
      for (const step of steps) world.take(step)
      world.settle()
      assertAllEqual(treesOf(world))
      for (const path of paths) {
        assertAllEqual(world.hosts.map((host) => host.records.get(path) ?? []))
        assertAllEqual(world.hosts.map((host) => host.entries.get(path) ?? null))
      }
    }),
    { numRuns: 400 },
  )
})

test('a content whose last copy no user has removed is in a tree or in an archive, at every step', () => {
  fc.assert(
    fc.property(runsWithLosses, (steps) => {
      const world = new World()
      for (const step of steps) {
        world.take(step)
        assert.deepEqual(world.lost(), [])
      }
      world.settle()
      assert.deepEqual(world.lost(), [])
    }),
    { numRuns: 400 },
  )
})

test('what wins or lost a conflict can be had from some host', () => {
  fc.assert(
    fc.property(runs, (steps) => {
      const world = new World()
      for (const step of steps) world.take(step)
      world.settle()
      for (const records of world.hosts.flatMap((host) => [...host.records.values()])) {
        for (const record of [...records, ...losersOf(records)]) {
          if (record.kind === 'file') assert.ok(world.hosts.some((host) => host.has(record.root)))
        }
      }
    }),
    { numRuns: 400 },
  )
})
