/** The log: one line for each event that an operator cares for, levels used sensibly, and never a secret. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readOnlySecret } from '../../src/base/secret.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { archiveOf, report, settled, whileDown } from './pool.ts'

const NETWORK_SECRET = 'a-network-secret-that-nobody-guesses'

let cluster: Cluster
let first: Host
let second: Host
/** All that sub-commands have shown. */
let shown = ''

before(async () => {
  cluster = await Cluster.make({
    hosts: 2,
    configure: (config) => Object.assign(config, { network_secret: NETWORK_SECRET }),
  })
  ;[first, second] = cluster.hosts as [Host, Host]
  process.env['ISOSYNCD_LOG_LEVEL'] = 'trace'
  for (const host of cluster.hosts) host.start()
  await cluster.connected()
})
after(async () => {
  delete process.env['ISOSYNCD_LOG_LEVEL']
  await cluster[Symbol.asyncDispose]()
})

/** Lines of at least `info` about a path. */
function linesAbout(host: Host, path: string): string[] {
  const lines = host
    .log()
    .filter((line) => line['path'] === path && line['level'] !== 'debug' && line['level'] !== 'trace')
  return lines.map(({ level, msg }) => `${String(level)} ${String(msg)}`)
}

test('announced, received, archived, restored and renamed are one line each, on the host where it happened', async () => {
  writeFileSync(first.path('one.txt'), 'one')
  await settled(cluster)
  rmSync(first.path('one.txt'))
  await until('it is archived', async () => (await archiveOf(second)).length === 1)
  await until('all is said', () => linesAbout(second, 'one.txt').length === 2)
  assert.deepEqual(linesAbout(first, 'one.txt'), ['info announced one.txt', 'info announced: one.txt was deleted here'])
  const [received, archived] = linesAbout(second, 'one.txt')
  assert.equal(received, 'info received one.txt')
  assert.match(archived ?? '', /^info one\.txt was deleted on another host: archived as one\.txt\.\d{8}T\d{6}Z$/)

  shown += (await second.cli('archive', 'restore', 'one.txt')).stdout
  await settled(cluster)
  assert.deepEqual(linesAbout(second, 'one.txt').slice(2), [
    'info restored one.txt from the archive',
    'info announced one.txt',
  ])
  assert.deepEqual(linesAbout(first, 'one.txt').slice(2), ['info received one.txt'])

  renameSync(first.path('one.txt'), first.path('two.txt'))
  await settled(cluster)
  assert.deepEqual(linesAbout(first, 'two.txt'), ['info announced two.txt (was one.txt)'])
  assert.deepEqual(linesAbout(second, 'two.txt'), ['info renamed one.txt to two.txt'])
})

test('a problem is a warning when it begins, and a line when it is solved', async () => {
  symlinkSync('/etc/passwd', first.path('away'))
  await until('it is shown', async () => (await report(first))?.problems.length === 1)
  rmSync(first.path('away'))
  await until('it is solved', async () => (await report(first))?.problems.length === 0)
  const [begun, solved, ...more] = linesAbout(first, 'away')
  assert.match(begun ?? '', /^warn away -> \/etc\/passwd: the link is not synced because /)
  assert.equal(solved, `info solved: ${begun?.slice('warn '.length)}`)
  assert.deepEqual(more, [])
})

test('a conflict is a warning that says where the loser is', async () => {
  await whileDown(cluster, () => {
    writeFileSync(first.path('both.txt'), 'from the first')
    writeFileSync(second.path('both.txt'), 'from the second')
  })
  await settled(cluster)
  const conflicts = cluster.hosts.flatMap((host) =>
    linesAbout(host, 'both.txt').filter((line) => line.startsWith('warn ')),
  )
  assert.equal(conflicts.length, 1)
  assert.match(
    conflicts[0] ?? '',
    /both\.txt was changed on two hosts at the same time; this host's is in the archive as both\.txt\./,
  )
})

test('a peer that comes or goes is a line with its name, and the reason for which it went', async () => {
  const about = () =>
    first.log().filter(({ host, level }) => host === cluster.knownHosts()[1] && level === 'info').length
  const before = about()
  await second.kill('SIGTERM')
  await until('it has gone', () => about() > before)
  const lines = first.log().filter(({ host }) => host === cluster.knownHosts()[1])
  assert.match(String(lines.findLast(({ msg }) => String(msg).includes('is gone'))?.['reason']), /stops/)
  second.start()
  await until('it is back', () => about() > before + 1)
  const [line] = first
    .log()
    .filter(({ device }) => device === 'host2')
    .slice(-1)
  assert.match(String(line?.['msg']), /^127\.0\.0\.2:\d+ \(host2\) is connected and has proven the read-write secret$/)
})

test('start and stop are told with version and port', () => {
  const messages = second.log().map(({ msg }) => String(msg))
  assert.ok(messages.some((msg) => /^isosyncd \S+ is listening on port \d+$/.test(msg)))
  assert.ok(messages.includes('stopping: SIGTERM'))
  assert.ok(messages.includes('stopped'))
})

test('every line is JSON with level, time and sentence, and nothing went wrong on the way', () => {
  for (const host of cluster.hosts) {
    for (const line of host.logText().trim().split('\n')) {
      const { level, time, msg } = JSON.parse(line) as Record<string, unknown>
      assert.deepEqual([typeof level, typeof time, typeof msg], ['string', 'string', 'string'], line)
      assert.ok(level !== 'error' && level !== 'fatal', line)
    }
  }
})

test('no secret is in any log, answer, command line or file but the config and the identity, at level trace', async () => {
  for (const host of cluster.hosts) {
    for (const words of [
      ['status'],
      ['status', '--json'],
      ['where', 'two.txt'],
      ['archive', 'list'],
      ['rescan'],
      ['--check-config'],
    ]) {
      const { stdout, stderr } = await host.cli(...words)
      shown += stdout + stderr
    }
    host.signal('SIGHUP')
    shown += host.logText()
    for (const name of ['cmdline', 'environ']) shown += readFileSync(`/proc/${host.pid}/${name}`, 'latin1')
  }
  const readOnly = readOnlySecret(cluster.secret)
  // A part of it would be as bad.
  const secrets = { secret: cluster.secret.slice(1, 40), readOnly: readOnly.slice(1, 40), network: NETWORK_SECRET }
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(!shown.includes(secret), `${name} was shown`)
    for (const file of filesBelow(cluster.top))
      if (!file.endsWith('/sync.json'))
        assert.ok(!readFileSync(file, 'latin1').includes(secret), `${name} is in ${file}`)
  }
  for (const host of cluster.hosts) assert.equal(statSync(join(host.home, 'state', 'identity.key')).mode & 0o077, 0)
})

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
