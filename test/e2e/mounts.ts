/**
 * The disk of a host goes away, or another one is there in its place, while the daemon runs or before it starts. Nothing
 * that is missing then counts as deleted, nothing is put on the wrong disk, `status` says why the folder halts, and when
 * the right disk is back the folder goes on by itself.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { Cluster, type Host, until } from './cluster.ts'
import { drop, report, rescan, settled, tree } from './pool.ts'
import { tombstones } from './index-file.ts'
import { Mounts, type Trouble } from './wrong-mounts.ts'

const FILE_BYTES = 20_000
/** More than the brake would hold back. */
const FILES = 40
/** The daemon looks for the disk every few seconds, and at what it could not write every half minute. */
const BACK_MS = 90_000

export interface MountFigures {
  readonly survived: number
  /** Of paths that no user deleted, on any host. */
  readonly tombstones: number
  /** From the moment when the right disk was back. */
  readonly slowestResumeS: number
}

/** One trouble after the other. Throws where a promise is broken; null where nothing can be mounted. */
export async function loseRoots({ troubles }: { readonly troubles: readonly Trouble[] }): Promise<MountFigures | null> {
  await using cluster = await Cluster.make({ hosts: 2 })
  using mounts = Mounts.on(cluster)
  if (mounts === null) return null
  try {
    for (const host of cluster.hosts) host.start()
    await cluster.connected()
    mkdirSync(cluster.host(0).path('images'))
    for (let i = 0; i < FILES; i++) drop(cluster.host(0), `images/${i}.iso`, FILE_BYTES)
    await settled(cluster)
    let slowestResumeS = 0
    for (const [i, trouble] of troubles.entries())
      slowestResumeS = Math.max(slowestResumeS, await loseOnce({ cluster, mounts, trouble, round: i }))
    const deleted = troubles.map((_, i) => nameIn(i, 'deleted')).sort()
    for (const host of cluster.hosts) await host.kill('SIGTERM')
    const wrong = cluster.hosts.flatMap((host) => tombstones(host).filter((path) => !deleted.includes(path)))
    return { survived: troubles.length, tombstones: wrong.length, slowestResumeS }
  } finally {
    await cluster.host(0).kill('SIGKILL')
  }
}

interface Round {
  readonly cluster: Cluster
  readonly mounts: Mounts
  readonly trouble: Trouble
  readonly round: number
}

/** Returns how many seconds after the disk was back the folder was in step. */
async function loseOnce({ cluster, mounts, trouble, round }: Round): Promise<number> {
  const [host, other] = [cluster.host(0), cluster.host(1)]
  const name = (what: string) => nameIn(round, what)
  for (const what of ['deleted', 'replaced']) drop(other, name(what), FILE_BYTES)
  await settled(cluster)

  // Every other time the daemon finds it like that when it starts.
  const isDown = round % 2 === 1
  if (isDown) await host.kill(round % 4 === 1 ? 'SIGTERM' : 'SIGKILL')
  mounts.make(trouble, round)
  const before = mounts.seen()
  if (isDown) host.start()
  drop(other, name('added'), FILE_BYTES)
  drop(other, name('replaced'), FILE_BYTES)
  rmSync(other.path(name('deleted')))
  const expected = tree(other)
  await saysWhy(host, trouble)
  assert.deepEqual(mounts.seen(), before, `nothing is touched where the root is ${trouble}`)
  assert.deepEqual(tree(other), expected, `nothing is deleted where the root of another is ${trouble}`)

  mounts.undo(trouble)
  const backMs = performance.now()
  await until(`${host.home} goes on after ${trouble}`, () => tree(host).join() === expected.join(), BACK_MS)
  await cluster.connected()
  assert.deepEqual(await settled(cluster), expected)
  const resumedS = Math.round((performance.now() - backMs) / 100) / 10
  assert.deepEqual((await report(host))?.problems, [])
  const content = drop(host, name('from-here'), FILE_BYTES)
  await settled(cluster)
  assert.ok(readFileSync(other.path(name('from-here'))).equals(content), 'what changes here is noticed again')
  return resumedS
}

async function saysWhy(host: Host, trouble: Trouble): Promise<void> {
  const why = trouble === 'read-only' ? /read-only/i : /marker|root .* is not there/
  await until(`${host.home} answers`, async () => (await host.status()) !== null)
  await until(`${host.home} says that its root is ${trouble}`, async () => {
    await rescan(host)
    const problems = (await report(host))?.problems ?? []
    return problems.some(({ kind, detail }) => (kind === 'halted' || trouble === 'read-only') && why.test(detail))
  })
}

function nameIn(round: number, what: string): string {
  return `round-${round}-${what}`
}
