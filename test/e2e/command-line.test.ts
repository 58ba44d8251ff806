/** The daemon's command line, signals, pid file and locks, as an operator and systemd use them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { writeIsoImage } from '../iso-image.ts'
import { Cluster, type Host, isosyncd, LAUNCHER, until } from './cluster.ts'
import { reconfigure, report, scanned, traffic } from './pool.ts'

const MIB = 1 << 20
const IMAGE_BYTES = 24 * MIB
const LIMIT_KB_PER_SECOND = 3_000
/** What systemd would wait at least. */
const STOP_MS = 10_000
/** What may be under way from one peer when one side dies (piece-requests.ts). */
const IN_FLIGHT_BYTES = 8 * MIB

let cluster: Cluster
let source: Host
let receiver: Host

before(async () => {
  // The third is never started: its port is free, and it is a known host that is down.
  cluster = await Cluster.make({ hosts: 3 })
  ;[source, receiver] = [cluster.host(0), cluster.host(1)]
  reconfigure(receiver, (config) => (config['download_limit'] = LIMIT_KB_PER_SECOND))
  source.start()
  receiver.start({}, ['--nodaemon', '--log', logFile()])
  await cluster.connected()
})
after(async () => await cluster[Symbol.asyncDispose]())

function logFile(): string {
  return join(receiver.home, 'logs', 'isosyncd.log')
}

function pidFile(host: Host): string {
  return join(host.home, 'isosyncd.pid')
}

/** How often the host's log says this, since it was last rotated. */
function logged(sentence: string | RegExp): number {
  const lines = readFileSync(logFile(), 'utf8').split('\n')
  return lines.filter((line) => (typeof sentence === 'string' ? line.includes(sentence) : sentence.test(line))).length
}

/** A process that is none of ours, until the test ends. */
async function another(t: TestContext): Promise<number> {
  const child = spawn('sleep', ['1000'])
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  return child.pid ?? 0
}

/** Starts a daemon with a config like the receiver's, changed, and expects that it refuses to run. */
async function refusal(
  name: string,
  change: (config: Record<string, unknown>, folder: Record<string, unknown>) => void,
) {
  const config = JSON.parse(readFileSync(receiver.configFile, 'utf8')) as { shared_folders: Record<string, unknown>[] }
  const own = join(cluster.top, name)
  mkdirSync(join(own, 'pool'), { recursive: true })
  const [folder = {}] = config.shared_folders
  const unlike = { listening_port: cluster.ports[2], storage_path: join(own, 'state'), pid_file: join(own, 'pid') }
  Object.assign(config, unlike)
  folder['dir'] = join(own, 'pool')
  change(config, folder)
  writeFileSync(join(own, 'sync.json'), JSON.stringify(config), { mode: 0o600 })
  return await isosyncd(['--config', join(own, 'sync.json')])
}

test('--version, --help, --generate-secret and --get-ro-secret answer and end, from any directory and through a link', async () => {
  const link = join(cluster.top, 'link-to-isosyncd')
  symlinkSync(LAUNCHER, link)
  const version = await isosyncd(['--version'], { cwd: '/', launcher: link })
  const packageJson = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')
  assert.deepEqual(version, {
    code: 0,
    stdout: `${(JSON.parse(packageJson) as { version: string }).version}\n`,
    stderr: '',
  })
  const help = await isosyncd(['--help'])
  assert.equal(help.code, 0)
  const words = [
    '--config',
    '--check-config',
    '--dump-sample-config',
    '--generate-secret',
    '--get-ro-secret',
    '--nodaemon',
    '--log',
    '--version',
  ]
  for (const word of [...words, 'status', 'where', 'rescan', 'archive']) assert.ok(help.stdout.includes(word), word)
  const made = (await isosyncd(['--generate-secret'])).stdout.trim()
  assert.equal(typeof parseSecret(made), 'object')
  assert.equal((await isosyncd(['--get-ro-secret', made])).stdout.trim(), readOnlySecret(made))
})

test('--dump-sample-config prints a config whose only mistakes are what must be filled in', async () => {
  const { stdout } = await isosyncd(['--dump-sample-config'])
  assert.equal(stdout, readFileSync(join(import.meta.dirname, '../../config/sync.sample.json'), 'utf8'))
  writeFileSync(join(cluster.top, 'dumped.json'), stdout, { mode: 0o600 })
  const { code, stderr } = await isosyncd(['--check-config', '--config', join(cluster.top, 'dumped.json')])
  assert.equal(code, 2)
  const keys = stderr.split('\n').flatMap((line) => /^\S+:\d+:\d+: (\S+): /.exec(line)?.[1] ?? [])
  assert.ok(keys.includes('shared_folders[0].secret'))
  assert.ok(
    keys.every((key) =>
      ['shared_folders[0].secret', 'shared_folders[0].dir', 'pid_file', 'storage_path'].includes(key),
    ),
  )
})

test('--check-config says that a good config is fine, and starts nothing', async () => {
  const { code, stdout } = await receiver.cli('--check-config')
  assert.equal(code, 0)
  assert.match(stdout, /sync\.json: fine: 1 folder, port \d+/)
})

test('a config with mistakes: all are told with file, line and key, exit status 2, nothing touched', async () => {
  const file = join(cluster.top, 'wrong.json')
  const text = `{
    "listening_port": "x",
    "device_nam": "a",
    "storage_path": "${cluster.top}/never-made",
    "shared_folders": [{ "secret": "${cluster.secret.slice(0, -1)}7", "dir": "${cluster.top}/nowhere", "known_hosts": ["a"] }]
  }`
  writeFileSync(file, text, { mode: 0o600 })
  const { code, stderr } = await isosyncd(['--config', file])
  assert.equal(code, 2)
  const told = stderr.split('\n').flatMap((line) => /^(\S+):(\d+):\d+: (\S+): /.exec(line)?.slice(1).join(' ') ?? [])
  assert.deepEqual(told, [
    `${file} 2 listening_port`,
    `${file} 3 device_nam`,
    `${file} 5 shared_folders[0].secret`,
    `${file} 5 shared_folders[0].dir`,
    `${file} 5 shared_folders[0].known_hosts[0]`,
  ])
  assert.match(stderr, /device_name/)
  assert.match(stderr, /nothing was started/)
  assert.equal(existsSync(join(cluster.top, 'never-made')), false)
  assert.equal(stderr.includes(cluster.secret.slice(0, -1)), false)
})

test('--log FILE takes the log, --nodaemon is accepted', () => {
  assert.ok(logged('is listening on port') === 1)
  assert.equal(receiver.logText(), '')
})

test('pid_file holds the id of the running daemon', () => {
  assert.equal(readFileSync(pidFile(source), 'utf8'), `${source.pid}\n`)
})

test('a second daemon on the same storage_path, folder or pid_file is refused with the pid of the first', async () => {
  const [storage, folder, pid] = await Promise.all([
    refusal('same-storage', (config) => (config['storage_path'] = join(receiver.home, 'state'))),
    refusal('same-folder', (_config, folder) => (folder['dir'] = receiver.dir)),
    refusal('same-pid', (config) => (config['pid_file'] = pidFile(receiver))),
  ])
  for (const [what, { code, stdout }] of Object.entries({ storage, folder, pid })) {
    assert.equal(code, 1, what)
    assert.match(stdout, new RegExp(`process id ${receiver.pid}\\b`), what)
  }
  assert.match(storage.stdout, /storage_path .* is in use/)
  assert.match(folder.stdout, /the folder .* is in use/)
  assert.equal(readFileSync(pidFile(receiver), 'utf8'), `${receiver.pid}\n`)
  assert.equal((await receiver.status())?.pid, receiver.pid)
})

test('SIGHUP rescans all folders now', async () => {
  await scanned(source)
  const before = (await report(source))?.scan.at ?? 0
  source.signal('SIGHUP')
  await until('it has scanned again', async () => ((await report(source))?.scan.at ?? 0) > before)
})

test('SIGHUP opens the log file anew, for logrotate', async () => {
  renameSync(logFile(), `${logFile()}.1`)
  receiver.signal('SIGHUP')
  await until('the new log is written', () => existsSync(logFile()) && logged('SIGHUP: rescanning all folders') === 1)
})

test('SIGHUP with a config that has mistakes tells them all, and the running config stays', async () => {
  const good = readFileSync(receiver.configFile, 'utf8')
  writeFileSync(receiver.configFile, good.replace('"download_limit"', '"download_limt"'))
  receiver.signal('SIGHUP')
  await until('it is logged', () => logged('the config has mistakes: the running one stays as it is') === 1)
  assert.equal(logged(/sync\.json:\d+:\d+: download_limt: /), 1)
  writeFileSync(receiver.configFile, good)
})

test('SIGHUP says what counts from now on, and what only after a restart', async () => {
  reconfigure(receiver, (config) => Object.assign(config, { sync_trash_ttl: 7, device_name: 'renamed' }))
  receiver.signal('SIGHUP')
  await until(
    'both are logged',
    () =>
      logged('sync_trash_ttl counts from now on') + logged('device_name has changed: it counts after a restart') === 2,
  )
})

test('SIGHUP while the root is away halts the folder and no more; it goes on when the root is back', async () => {
  renameSync(receiver.dir, `${receiver.dir}-away`)
  receiver.signal('SIGHUP')
  await until('it is halted', async () => (await report(receiver))?.state === 'halted')
  renameSync(`${receiver.dir}-away`, receiver.dir)
  await until('it goes on', async () => (await report(receiver))?.state === 'synced')
})

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal} in the middle of a transfer stops clean within 10 s, and the next start resumes it`, async () => {
    const image = `${signal}.iso`
    writeIsoImage(source.path(image), { contentBytes: IMAGE_BYTES })
    const done = async () => (await report(receiver))?.transfers[0]?.doneBytes ?? 0
    const sentBefore = (await traffic(source)).sent
    await until('a fourth has come', async () => (await done()) > IMAGE_BYTES / 4)

    const had = await done()
    const begun = Date.now()
    assert.equal(await receiver.kill(signal), 0)
    assert.ok(Date.now() - begun < STOP_MS, `it took ${Date.now() - begun} ms`)
    assert.equal(existsSync(receiver.path(image)), false, 'nothing partial is visible')
    assert.equal(existsSync(pidFile(receiver)), false, 'pid_file is removed')
    assert.equal(existsSync(join(receiver.home, 'state', 'control.sock')), false, 'so is the socket')
    const sentByThen = (await traffic(source)).sent

    receiver.start({}, ['--log', logFile()])
    await until('it goes on where it was', async () => (await done()) >= had)
    reconfigure(receiver, (config) => (config['download_limit'] = 0))
    receiver.signal('SIGHUP')
    await until('the limit is lifted', () => logged('download_limit counts from now on') === 1)
    await until('the image has arrived', () => existsSync(receiver.path(image)))
    assert.ok(readFileSync(receiver.path(image)).equals(readFileSync(source.path(image))))

    const sent = (await traffic(source)).sent
    const size = statSync(source.path(image)).size
    const talk = size / 50
    assert.ok(
      sent - sentByThen < size - had + talk,
      `${sent - sentByThen} bytes sent again, ${size - had} were missing`,
    )
    assert.ok(sent - sentBefore < size + IN_FLIGHT_BYTES + talk)
    reconfigure(receiver, (config) => (config['download_limit'] = LIMIT_KB_PER_SECOND))
    receiver.signal('SIGHUP')
    await until('the limit holds again', () => logged('download_limit counts from now on') === 2)
    renameSync(logFile(), `${logFile()}.${signal}`)
  })

test('a pid_file left by a kill is taken over', async () => {
  await receiver.kill('SIGKILL')
  assert.ok(existsSync(pidFile(receiver)))
  receiver.start()
  await scanned(receiver)
  assert.equal(readFileSync(pidFile(receiver), 'utf8'), `${receiver.pid}\n`)
  assert.equal(await receiver.kill('SIGTERM'), 0)
})

test('a SIGHUP that comes while it starts is not lost, and ends nothing', async () => {
  receiver.start()
  await until('it has begun', () => existsSync(pidFile(receiver)))
  receiver.signal('SIGHUP')
  await until('it has rescanned', () => receiver.logText().includes('SIGHUP: rescanning all folders'))
  assert.equal(await receiver.kill('SIGTERM'), 0)
})

test('a pid_file that names another program is taken over', async (t) => {
  writeFileSync(pidFile(receiver), `${await another(t)}\n`)
  receiver.start()
  await scanned(receiver)
  assert.equal(readFileSync(pidFile(receiver), 'utf8'), `${receiver.pid}\n`)
})

test('a port that another program has is said in plain words, exit status 1', async () => {
  const { code, stdout } = await refusal('same-port', (config) => (config['listening_port'] = cluster.ports[0]))
  assert.equal(code, 1)
  assert.match(stdout, new RegExp(`port ${cluster.ports[0]} is in use by another program`))
})
