/** What the operator and his control panel see: status, where, archive and rescan of running daemons. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type StatusReport } from '../../src/api/api-types.ts'
import { writeIsoImage } from '../iso-image.ts'
import { Cluster, type Host, LAUNCHER, until } from './cluster.ts'
import { archiveOf, archivedFrom, reconfigure, report, settled } from './pool.ts'

const IMAGE_BYTES = 12_000_000

let cluster: Cluster
let first: Host
let second: Host
let third: Host

before(async () => {
  cluster = await Cluster.start({
    hosts: 3,
    configure: (config, i) => Object.assign(config, { site: ['north', 'north', 'south'][i] }),
  })
  ;[first, second, third] = cluster.hosts as [Host, Host, Host]
})
after(async () => await cluster[Symbol.asyncDispose]())

/** A limit that holds between sites: what the third host fetches is slow. */
async function slow(host: Host, kBPerSecond: number): Promise<void> {
  const reloads = () => host.logText().split('download_limit counts from now on').length
  const before = reloads()
  reconfigure(host, (config) => Object.assign(config, { download_limit: kBPerSecond }))
  host.signal('SIGHUP')
  await until('it is reloaded', () => reloads() > before)
}

test('only its own user may open the control socket', () => {
  const socket = statSync(join(first.home, 'state', 'control.sock'))
  assert.ok(socket.isSocket())
  assert.equal(socket.mode & 0o777, 0o600)
  assert.equal(statSync(join(first.home, 'state')).mode & 0o077, 0)
})

test('status shows this host and every known host by name, site, state and round trip', async () => {
  const { code, stdout } = await first.cli('status')
  assert.equal(code, 0)
  assert.match(stdout, new RegExp(`^host1, site north: isosyncd \\S+, pid ${first.pid}, port ${cluster.ports[0]}, up `))
  const [own, near, far] = cluster.knownHosts()
  assert.match(stdout, new RegExp(`${own} +host1 +this host +north`))
  assert.match(stdout, new RegExp(`${near} +host2 +connected +north +[\\d.]+ ms +- +- +yes`))
  assert.match(stdout, new RegExp(`${far} +host3 +connected +south +[\\d.]+ ms +- +- +yes`))
  assert.match(stdout, new RegExp(`${first.dir} +synced`))
  assert.ok(!stdout.includes('\x1b'), 'no colours where there is no terminal')
})

test('status --json is one JSON object with folders, hosts, transfers and problems', async () => {
  const { code, stdout } = await first.cli('status', '--json')
  const status = JSON.parse(stdout) as StatusReport
  assert.equal(code, 0)
  assert.equal(status.pid, first.pid)
  assert.equal(status.deviceName, 'host1')
  const [folder] = status.folders
  assert.deepEqual([folder?.state, folder?.hosts.length, folder?.transfers, folder?.problems], ['synced', 3, [], []])
})

test('status --watch shows it again every second until it is interrupted', async () => {
  const child = spawn(LAUNCHER, ['status', '--watch', '--json', '--config', first.configFile])
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  await until('it has been shown three times', () => text.split('\n').length > 3)
  const ended = once(child, 'exit')
  child.kill('SIGINT')
  assert.deepEqual(await ended, [0, null])
  const [one, two] = text.split('\n').map((line) => (line === '' ? null : (JSON.parse(line) as StatusReport)))
  assert.ok((two?.uptimeS ?? 0) - (one?.uptimeS ?? 0) >= 0.9)
})

test('while an image is on its way, where and status say how far it is', async () => {
  await slow(third, 500)
  writeIsoImage(first.path('big.iso'), { contentBytes: IMAGE_BYTES })
  await until('the third host has begun', async () => ((await report(third))?.transfers[0]?.rate ?? 0) > 0)
  const status = (await third.cli('status')).stdout
  assert.match(
    status,
    /Transfers \(1\)\n +\d+ % +big\.iso +[\d.]+ [kM]?B of 12 MB, [\d.]+ [kM]?B\/s, [\d.]+m?s? ?[\d.ms]* left, from \S+/,
  )
  assert.ok(!/[█░]/.test(status), 'bars are for terminals')

  const where = await first.where('big.iso')
  const there = where.hosts[2]
  assert.equal(where.code, 1)
  assert.equal(there?.state, 'partial')
  assert.ok(there.percent < 100)
  assert.match((await first.cli('where', 'big.iso')).stdout, /Not everywhere: \d of 3 hosts? (has|have) it whole\./)
  await slow(third, 0)
  await settled(cluster)
})

test('where is exit status 0 only when every known host has the file whole, with one hash', async () => {
  const { code, stdout } = await second.cli('where', 'big.iso')
  assert.equal(code, 0)
  assert.match(stdout, /Every known host \(3\) has it whole and verified\./)
  const where = await second.where('big.iso')
  assert.equal(where.everywhere, true)
  assert.equal(new Set(where.hosts.map(({ root }) => root)).size, 1)
  assert.deepEqual(
    where.hosts.map(({ host, state, percent }) => [host, state, percent]),
    cluster.knownHosts().map((line) => [line, 'whole', 100]),
  )
})

test('where takes a path as the operator has it: absolute, or with ./', async () => {
  assert.equal((await first.cli('where', first.path('big.iso'))).code, 0)
  assert.equal((await first.cli('where', './big.iso')).code, 0)
  const outside = await first.cli('where', '/etc/passwd')
  assert.deepEqual([outside.code, outside.stdout], [2, ''])
  assert.match(outside.stderr, /'\/etc\/passwd' is in none of the folders: /)
})

test('where says what is missing, and of what it cannot be asked', async () => {
  const missing = await first.cli('where', 'no-such.iso')
  assert.equal(missing.code, 1)
  assert.match(missing.stdout, /missing +0 % +- +the folder has no such path/)
  mkdirSync(first.path('dir'))
  symlinkSync('big.iso', first.path('current.iso'))
  await settled(cluster)
  const directory = await first.cli('where', 'dir')
  assert.equal(directory.code, 2)
  assert.match(directory.stderr, /dir is a directory: name a file in it/)
  const link = await first.cli('where', 'current.iso')
  assert.equal(link.code, 2)
  assert.match(link.stderr, /current\.iso is a link to big\.iso: ask for that file/)
})

test('a host that is down makes where say unreachable, exit status 1, and why', async (t) => {
  t.after(() => third.isRunning || third.start())
  await third.kill('SIGTERM')
  const down = cluster.knownHosts()[2]
  const nothingListens = async () => (await report(first))?.hosts[2]?.why.startsWith('nothing listens at ') ?? false
  await until('it is seen to be down, and has been dialled since', nothingListens)
  const where = await first.where('big.iso')
  assert.equal(where.code, 1)
  assert.deepEqual(
    where.hosts.map(({ state }) => state),
    ['whole', 'whole', 'unreachable'],
  )
  assert.match(where.hosts[2]?.detail ?? '', /^nothing listens at .*: is isosyncd running there, on this port\?/)
  assert.match((await first.cli('status')).stdout, new RegExp(`${down} +- +(down|dialling) +.* nothing listens at `))
  const asked = await third.cli('status')
  assert.equal(asked.code, 3)
  assert.match(asked.stderr, /the daemon is not running: .* Start it with /)
  third.start()
  await cluster.connected()
  assert.equal((await first.cli('where', 'big.iso')).code, 0)
})

test('rescan looks at all files now', async () => {
  const before = (await report(first))?.scan.at ?? 0
  const { code, stdout } = await first.cli('rescan')
  assert.equal(code, 0)
  assert.match(stdout, /pool: scan asked for/)
  await until('it has scanned again', async () => ((await report(first))?.scan.at ?? 0) > before)
})

test('archive list shows what was deleted, and archive restore brings it back on every host', async () => {
  assert.match((await second.cli('archive', 'list')).stdout, /pool: the archive is empty/)
  rmSync(first.path('big.iso'))
  await until(
    'the others have archived it',
    async () => (await archiveOf(second)).length + (await archiveOf(third)).length === 2,
  )
  const list = await second.cli('archive', 'list')
  assert.equal(list.code, 0)
  assert.match(
    list.stdout,
    /1 archived file, 12 MB\n +Name +Size +Why +Since\n +big\.iso\.\d{8}T\d{6}Z +12 MB +deleted +\d{4}-/,
  )
  const { code, stdout } = await second.cli('archive', 'restore', 'big.iso')
  assert.equal(code, 0)
  assert.match(stdout, /big\.iso\.\S+ is back as big\.iso in .*, and will be on every host/)
  await until('every host has it', async () => (await first.cli('where', 'big.iso')).code === 0)
  assert.equal((await archivedFrom(second, 'big.iso')).length, 0)
})

test('archive restore refuses what is in the way or not there, and takes another name with --to', async () => {
  const inTheWay = await third.cli('archive', 'restore', 'big.iso')
  assert.equal(inTheWay.code, 1)
  assert.match(inTheWay.stderr, /big\.iso is there: move it away first, or restore under another name with --to/)
  const notThere = await third.cli('archive', 'restore', 'never.iso')
  assert.equal(notThere.code, 1)
  assert.match(notThere.stderr, /never\.iso is not in the archive; `isosyncd archive list` shows what is/)
  assert.equal((await third.cli('archive', 'restore', 'big.iso', '--to', 'dir/again.iso')).code, 0)
  await until('every host has it', async () => (await first.cli('where', 'dir/again.iso')).code === 0)
})

test('archive purge removes one, those of an age, or all for good, and says how many', async () => {
  for (const name of ['a.txt', 'b.txt', 'c.txt']) writeFileSync(first.path(name), name)
  await settled(cluster)
  for (const name of ['a.txt', 'b.txt', 'c.txt']) rmSync(first.path(name))
  await until('all three are archived', async () => (await archiveOf(second)).length === 3)
  const [file] = await archivedFrom(second, 'a.txt')
  assert.equal((await second.cli('archive', 'purge')).code, 2)
  const one = await second.cli('archive', 'purge', file?.name ?? '')
  assert.deepEqual([one.code, one.stdout], [0, `${second.dir}: 1 archived file removed for good, 5 B\n`])
  assert.match((await second.cli('archive', 'purge', '--older-than', '1')).stdout, /: 0 archived files removed/)
  assert.match((await second.cli('archive', 'purge', '--all')).stdout, /: 2 archived files removed for good, 10 B/)
  assert.equal((await archiveOf(second)).length, 0)
  assert.equal(existsSync(second.path('.sync/Archive', file?.name ?? '')), false)
})

test('a problem is shown with what to do, and goes when its reason has gone', async () => {
  await new Promise((resolve) => execFile('mkfifo', [first.path('pipe')], resolve))
  await until('it is shown', async () => (await report(first))?.problems.length === 1)
  assert.match(
    (await first.cli('status')).stdout,
    /Problems \(1\)\n +unsupported +pipe: pipe is a socket, a pipe or a device: it is not synced; move it away/,
  )
  rmSync(first.path('pipe'))
  await until('it has gone', async () => (await report(first))?.problems.length === 0)
})
