/**
 * A host loses its index (removed, overwritten, an older copy put back) after the pool has gone on, and comes back. All
 * that the pool said meanwhile must stand: nothing deleted, nothing resurrected, nothing newer overwritten, and nothing
 * sent but what is really new to that host.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster, type Host, type HostConfig, until } from './cluster.ts'
import { recordCount } from './index-file.ts'
import { archiveOf, drop, receivedSince, report, sameOn, settled, traffic, tree } from './pool.ts'

export const LOSSES = ['removed', 'overwritten', 'cut short', 'older'] as const
export type Loss = (typeof LOSSES)[number]

const FILE_BYTES = 200_000
/** Of SQLite. */
const PAGE = 4096
/** Haves, signs of life and proofs. */
const CHATTER_BYTES = 100_000
/** A record: a new index hears all that there are from both others, and hands them on. */
const RECORD_BYTES = 320

export interface LossOptions {
  /** One host's loss after the other, in this order. */
  readonly losses: readonly Loss[]
}

/** Throws where a promise is broken; returns how many losses were survived, and the bytes that went the wrong way. */
export async function loseIndexes({ losses }: LossOptions): Promise<{ survived: number; sentAgainBytes: number }> {
  // Some twenty deletions a minute are no accident here: the brake has tests of its own.
  const configure = (config: HostConfig) => Object.assign(config.shared_folders[0] ?? {}, { max_delete_percent: 100 })
  await using cluster = await Cluster.start({ hosts: 3, configure })
  let sentAgainBytes = 0
  for (const [round, loss] of losses.entries()) sentAgainBytes += await loseOnce(cluster, loss, round)
  return { survived: losses.length, sentAgainBytes }
}

/** Returns the bytes that moved beyond what is really new, and records. */
async function loseOnce(cluster: Cluster, loss: Loss, round: number): Promise<number> {
  const [here, there] = [cluster.host(1), cluster.host(0)]
  const others = [cluster.host(0), cluster.host(2)]
  const name = (what: string) => `round-${round}-${what}`
  const both = ['here', 'there'] as const
  for (const who of both)
    for (const what of ['kept', 'edited', 'edited-later', 'deleted', 'deleted-later', 'reverted'])
      drop(who === 'here' ? here : there, name(`${what}-${who}`), FILE_BYTES + randomInt(5000))
  await settled(cluster)
  const first = new Map(both.map((who) => [who, readFileSync(there.path(name(`reverted-${who}`)))]))

  if (loss === 'older') await whileStopped(here, () => copyIndex(here, '', '.backup'))
  for (const who of both) {
    const host = who === 'here' ? here : there
    drop(host, name(`added-${who}`), FILE_BYTES)
    drop(host, name(`edited-${who}`), FILE_BYTES)
    drop(host, name(`reverted-${who}`), FILE_BYTES)
    rmSync(host.path(name(`deleted-${who}`)))
  }
  await settled(cluster)

  await here.kill(round % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
  let newBytes = 0
  for (const who of both) {
    newBytes += drop(there, name(`edited-later-${who}`), FILE_BYTES).length
    writeFileSync(there.path(name(`reverted-${who}`)), first.get(who) ?? '')
    newBytes += first.get(who)?.length ?? 0
    rmSync(there.path(name(`deleted-later-${who}`)))
  }
  newBytes += drop(there, name('added-later'), FILE_BYTES).length
  await sameOn(others)
  const expected = await inStep(others)
  const archives = await Promise.all(others.map(archiveOf))
  const before = await Promise.all(others.map(traffic))

  const lines = cluster.hosts.map((host) => host.log().length)
  const isKept = lose(here, loss)
  const replica = replicaOf(here)
  here.start()
  await cluster.connected()
  assert.deepEqual(await settled(cluster), expected, `after an index was ${loss}`)
  assert.deepEqual(tree(there), expected)
  assert.notEqual(replicaOf(here), replica, 'it is another author now')
  assert.deepEqual(await Promise.all(others.map(archiveOf)), archives, 'nothing was replaced or deleted on the others')
  for (const host of cluster.hosts) assert.deepEqual((await report(host))?.problems, [])
  if (isKept)
    assert.ok(
      readdirSync(state(here)).some((file) => /^index\.db\.\w+-\d{8}T\d{6}Z$/.test(file)),
      'the old one is kept',
    )

  // By what each host says that it received: exact. By bytes: the last pieces of a file may be asked of two hosts.
  const received = cluster.hosts.map((host, i) => receivedSince(host, lines[i] ?? 0))
  const fresh = [...both.flatMap((who) => [name(`edited-later-${who}`), name(`reverted-${who}`)]), name('added-later')]
  assert.deepEqual(received, [[], fresh.sort(), []], `after an index was ${loss}`)
  const after = await Promise.all(others.map(traffic))
  const moved = (what: 'sent' | 'received') => after.reduce((sum, t, i) => sum + t[what] - (before[i]?.[what] ?? 0), 0)
  const recordBytes = others.length * recordCount(here) * RECORD_BYTES
  const extra = moved('sent') + moved('received') - newBytes - recordBytes
  const what = `${newBytes} bytes that were new and the ${recordBytes} of all records`
  assert.ok(extra < CHATTER_BYTES + newBytes / 2, `${extra} bytes were sent beyond the ${what}`)
  return Math.max(0, extra)
}

async function inStep(hosts: readonly Host[]): Promise<string[]> {
  const synced = async (host: Host) => (await report(host))?.state === 'synced'
  for (const host of hosts) await until(`${host.home} is in step`, () => synced(host))
  return tree(hosts[0] as Host)
}

/** True if something is left to be kept: a young index may lie in its write-ahead log whole. */
function lose(host: Host, loss: Loss): boolean {
  const file = join(state(host), 'index.db')
  const content = readFileSync(file)
  switch (loss) {
    case 'removed':
      for (const name of readdirSync(state(host))) if (name.startsWith('index.db')) rmSync(join(state(host), name))
      return false
    case 'overwritten':
      rmSync(`${file}-wal`, { force: true }) // what it holds would be put over the damage
      // All but the first page: SQLite opens it, and finds out later.
      writeFileSync(file, Buffer.concat([content.subarray(0, PAGE), randomBytes(Math.max(0, content.length - PAGE))]))
      return content.length > PAGE
    case 'cut short':
      rmSync(`${file}-wal`, { force: true })
      writeFileSync(file, content.subarray(0, PAGE + 512))
      return content.length > PAGE
    case 'older':
      copyIndex(host, '.backup', '')
      return true
  }
}

/** The index with its write-ahead log, if there is one. */
function copyIndex(host: Host, from: string, to: string): void {
  const file = join(state(host), 'index.db')
  if (to === '') for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  copyFileSync(`${file}${from}`, `${file}${to}`)
}

async function whileStopped(host: Host, work: () => void): Promise<void> {
  await host.kill('SIGTERM')
  work()
  host.start()
  await until('it is back', async () => (await report(host))?.state === 'synced')
}

/** As the marker in the root says. */
function replicaOf(host: Host): string {
  return (JSON.parse(readFileSync(host.path('.sync', 'folder.json'), 'utf8')) as { replica: string }).replica
}

function state(host: Host): string {
  return join(host.home, 'state')
}
