/** Secrets between real daemons: two hosts with the secret, one with its read-only form, one with another. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type HostReport } from '../../src/api/api-types.ts'
import { generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { writeIsoImage } from '../iso-image.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { reconfigure, report } from './pool.ts'

const IMAGE = 'nobody-may-know-this-name.iso'
const IMAGE_BYTES = 1_234_567

let cluster: Cluster
let first: Host
let second: Host
let reader: Host
let stranger: Host

before(async () => {
  cluster = await Cluster.make({
    hosts: 4,
    configure: (config, i, { secret }) => {
      const [folder = {}] = config.shared_folders
      if (i === 2) folder['secret'] = readOnlySecret(secret)
      if (i === 3) folder['secret'] = generateSecret()
    },
  })
  ;[first, second, reader, stranger] = cluster.hosts as [Host, Host, Host, Host]
  writeIsoImage(first.path(IMAGE), { contentBytes: IMAGE_BYTES })
  for (const host of cluster.hosts) host.start({ ISOSYNCD_LOG_LEVEL: 'trace' })
  for (const host of [first, second, reader])
    await until('those with the secret are connected', async () => (await proven(host)) === 2)
})
after(async () => await cluster[Symbol.asyncDispose]())

async function proven(host: Host): Promise<number> {
  return (await hostsOf(host)).filter((h) => h.state === 'proven').length
}

async function hostsOf(host: Host): Promise<readonly HostReport[]> {
  return (await report(host))?.hosts ?? []
}

/** What `host` shows of another. */
async function lineOf(host: Host, other: Host): Promise<HostReport | undefined> {
  return (await hostsOf(host)).find((line) => line.host === lineFor(other))
}

function lineFor(host: Host): string {
  return cluster.knownHosts()[cluster.hosts.indexOf(host)] ?? ''
}

async function problemsOf(host: Host): Promise<string[]> {
  const problems = (await report(host))?.problems ?? []
  return problems.map(({ kind, path }) => `${kind} ${path ?? ''}`).sort()
}

test('the read-only secret is told by --get-ro-secret, and receives what the others announce', async () => {
  const { code, stdout } = await first.cli('--get-ro-secret', cluster.secret)
  assert.deepEqual([code, stdout], [0, `${readOnlySecret(cluster.secret)}\n`])
  await until('the image has arrived', () => existsSync(reader.path(IMAGE)))
  assert.deepEqual(readFileSync(reader.path(IMAGE)), readFileSync(first.path(IMAGE)))
  const status = await reader.status()
  assert.equal(status?.folders[0]?.mode, 'read-only')
})

test('a wrong secret is a clear line in the log of both sides, and shown in status with the next try', async () => {
  for (const [host, other] of [
    [first, stranger],
    [stranger, first],
  ] as const) {
    const isRefused = async () => (await lineOf(host, other))?.why.includes('same secret?; next try in ') ?? false
    await until('the secret has been found to be wrong', isRefused)
    assert.equal((await lineOf(host, other))?.state, 'connected')
    const warnings = host.log().filter(({ level, host }) => level === 'warn' && host === lineFor(other))
    assert.ok(warnings.some(({ msg }) => /is connected, but no peer of folder \w+: .* same secret/.test(String(msg))))
  }
})

test('a wrong secret is tried again by both, and logged once', async () => {
  const tries = async () => [(await lineOf(first, stranger))?.sentBytes, (await lineOf(stranger, first))?.sentBytes]
  const [own = 0, other = 0] = await tries()
  await until('both have tried again', async () => {
    const [ownNow = 0, otherNow = 0] = await tries()
    return ownNow > own && otherNow > other
  })
  const lines = stranger.log().filter(({ msg }) => String(msg).startsWith(`${lineFor(first)} is connected, but`))
  assert.equal(lines.length, 1)
})

test('no name, size or count reaches a host that has not proven the secret', async () => {
  // A HELLO and a proof are some 160 bytes: an INTRO or a record would be more.
  const sent = (await lineOf(first, stranger))?.sentBytes ?? 0
  assert.ok(sent < 3_000, `${sent} bytes`)
  const where = await stranger.where(IMAGE)
  assert.equal(where.hosts.filter((h) => h.state === 'missing').length, 1)
  assert.equal(where.hosts.filter((h) => h.state === 'unreachable').length, 3)
  for (const file of ['log', 'state/index.db', 'state/index.db-wal'])
    assert.equal(readFileSync(join(stranger.home, file)).includes(IMAGE.slice(0, 20)), false, file)
  assert.deepEqual(readdirSync(stranger.dir), ['.sync'])
})

test('what is changed on a read-only host is a problem there, and reaches no other', async () => {
  writeFileSync(reader.path('own.txt'), 'mine')
  mkdirSync(reader.path('own-dir'))
  writeFileSync(reader.path('own-dir/inside.txt'), 'mine too')
  rmSync(reader.path(IMAGE))
  const wanted = ['own-dir', 'own-dir/inside.txt', 'own.txt', IMAGE].map((path) => `read-only-change ${path}`).sort()
  await until('the problems are shown', async () => (await problemsOf(reader)).length >= wanted.length)
  assert.deepEqual(await problemsOf(reader), wanted)
  const where = await first.where('own.txt')
  assert.deepEqual(
    where.hosts.map((h) => h.state),
    ['missing', 'missing', 'missing', 'unreachable'],
  )
  assert.equal((await first.where(IMAGE)).hosts[1]?.state, 'whole')
})

test('a change on a read-only host that is taken back is no problem any more', async () => {
  writeFileSync(reader.path('for-a-moment.txt'), 'mine')
  await until('it is shown', async () => (await problemsOf(reader)).includes('read-only-change for-a-moment.txt'))
  rmSync(reader.path('for-a-moment.txt'))
  await until('it is solved', async () => !(await problemsOf(reader)).includes('read-only-change for-a-moment.txt'))
})

test('overwrite_changes, taken up by SIGHUP, puts a read-only host right', async () => {
  reconfigure(reader, (config) => Object.assign(config.shared_folders[0] ?? {}, { overwrite_changes: true }))
  reader.signal('SIGHUP')
  await until('the image is back', () => existsSync(reader.path(IMAGE)))
  await until(
    'what was added is gone',
    () => !existsSync(reader.path('own.txt')) && !existsSync(reader.path('own-dir')),
  )
  await until('no problem is left', async () => (await problemsOf(reader)).length === 0)
  const list = (await reader.cli('archive', 'list')).stdout
  assert.match(list, /own\.txt\./)
  assert.match(list, /own-dir\/inside\.txt\./)
  assert.equal((await second.where(IMAGE)).hosts[2]?.state, 'whole')
})

test('the right secret in place of the wrong one joins the pool after a restart', async () => {
  assert.equal(await stranger.kill('SIGTERM'), 0)
  const text = readFileSync(stranger.configFile, 'utf8')
  const secret = (JSON.parse(text) as { shared_folders: { secret: string }[] }).shared_folders[0]?.secret ?? ''
  writeFileSync(stranger.configFile, text.replace(secret, cluster.secret))
  rmSync(stranger.path('.sync'), { recursive: true })
  stranger.start()
  await until('the image has arrived', () => existsSync(stranger.path(IMAGE)))
  await until('every host has it', async () => (await first.where(IMAGE)).everywhere === true)
})
