/** A start over a pool that has not changed reads no content; one over a pool that has, only what has changed. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { randomBytes } from 'node:crypto'
import { Cluster, type Host, until } from './cluster.ts'
import { drop, report, scanned } from './pool.ts'

const FILES = 10_000
const FILE_BYTES = 12_288

let cluster: Cluster
let host: Host

before(async () => {
  cluster = await Cluster.make({ hosts: 1 })
  host = cluster.host(0)
  const content = randomBytes(FILE_BYTES)
  for (let i = 0; i < FILES; i++) {
    if (i % 500 === 0) mkdirSync(host.path(`dir-${i / 500}`))
    content.writeUInt32LE(i)
    writeFileSync(host.path(`dir-${Math.floor(i / 500)}/${i}.iso`), content)
  }
  host.start()
  await until(
    'all are in the index',
    async () => {
      const folder = await report(host)
      return folder?.files === FILES && folder.state === 'synced'
    },
    120_000,
  )
})
after(() => cluster[Symbol.asyncDispose]())

/** What the daemon has read by system calls since it started. */
function readBytes(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${host.pid}/io`, 'utf8'))?.[1])
}

async function restart(change: () => void): Promise<string[]> {
  await host.kill('SIGTERM')
  change()
  const before = host.log().length
  host.start()
  await scanned(host)
  await until('it is at rest', async () => (await report(host))?.state === 'synced')
  return host.log().slice(before).filter((line) => 'path' in line).map((line) => String(line['msg'])) // prettier-ignore
}

test('a start over 10,000 unchanged files hashes and announces none', async () => {
  const said = await restart(() => undefined)
  assert.deepEqual(said, [])
  assert.equal((await report(host))?.files, FILES)
  assert.ok(readBytes() < (FILES * FILE_BYTES) / 2, `${readBytes()} bytes were read`)
})

test('a start takes up what was changed, added and deleted meanwhile, and only that', async () => {
  const said = await restart(() => {
    drop(host, 'dir-3/1500.iso', 5000)
    drop(host, 'dir-3/new.iso', 5000)
    rmSync(host.path('dir-4/2000.iso'))
  })
  await until('the deletion is announced', () => host.logText().includes('dir-4/2000.iso was deleted here'))
  const announced = said.filter((line) => !line.includes('was deleted')).sort()
  assert.deepEqual(announced, ['announced dir-3/1500.iso', 'announced dir-3/new.iso'])
  assert.ok(readBytes() < (FILES * FILE_BYTES) / 2, `${readBytes()} bytes were read`)
})
