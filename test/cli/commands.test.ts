import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type ControlVerbs } from '../../src/api/control-app.ts'
import { ControlError } from '../../src/api/control-error.ts'
import { createControlServer } from '../../src/api/control-server.ts'
import { type StatusReport } from '../../src/api/api-types.ts'
import { generateSecret, parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { noScrub, sampleStatus, sampleWhere } from '../api/report.fixture.ts'
import { filledSample, fixture } from '../config/fixture.ts'
import { LAUNCHER, run } from './run.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** A config, and a daemon that answers on its socket. */
async function answering(t: TestContext, replaced: Partial<ControlVerbs> = {}): Promise<string> {
  const f = fixture(t)
  const file = f.write(JSON.stringify({ storage_path: f.folder('store'), shared_folders: [] }))
  const verbs: ControlVerbs = {
    status: () => sampleStatus,
    where: async () => sampleWhere,
    approve: async (folder) => ({ folder, paths: 2 }),
    discard: async (folder) => ({ folder, paths: 0 }),
    scrub: async (folder) => ({ ...noScrub, folder }),
    rescan: async (folders) => ({ folders }),
    newIdentity: async () => ({ formerPeerId: '12D3KooWFormer' }),
    archiveList: async (folder) => ({
      folder,
      files: [{ name: 'a.iso.20260101T120000Z', path: 'a.iso', size: 5, reason: 'deleted', archivedMs: 0, root: 'r' }],
    }),
    archiveRestore: async (folder, name) => ({ folder, name, path: 'a.iso' }),
    archivePurge: async (folder) => ({ folder, files: 2, bytes: 3_000_000 }),
    ...replaced,
  }
  const server = await createControlServer({ socketPath: join(f.dir, 'store/control.sock') }, verbs)
  t.after(() => server.close())
  return file
}

test('--version through a symbolic link, from any directory, prints the version', async (t) => {
  const f = fixture(t)
  const link = join(f.folder('bin'), 'isosyncd')
  symlinkSync(LAUNCHER, join(f.dir, 'other-name'))
  symlinkSync('../other-name', link)
  assert.deepEqual(await run(['--version'], { launcher: link, cwd: f.dir }), { code: 0, out: `${version}\n`, err: '' })
})

test('the launcher gives Node the flags that only count at start', async () => {
  const script = readFileSync(LAUNCHER, 'utf8')
  const flags = [...script.matchAll(/ (--[a-z-]+(?:=\w+)?)/g)]
    .map((m) => m[1] ?? '')
    .filter((flag) => /memory|space|warning|gc|scavenge/.test(flag))
  assert.deepEqual(flags.toSorted(), [
    '--disable-warning=ExperimentalWarning',
    '--expose-gc',
    '--external-memory-accounted-in-global-limit',
    '--initial-old-space-size=96',
    '--max-semi-space-size=16',
    '--no-parallel-scavenge',
  ])
  const child = spawn(process.execPath, [...flags, '-e', ''], { stdio: 'inherit' })
  await once(child, 'close')
  assert.equal(child.exitCode, 0)
})

test('--help names all commands and exit statuses', async () => {
  const { code, out } = await run(['--help'])
  assert.equal(code, 0)
  for (const word of [
    'status',
    'where',
    'rescan',
    'archive',
    '--check-config',
    '--get-ro-secret',
    'Exit status',
    '3  the daemon is not running',
  ]) {
    assert(out.includes(word), word)
  }
})

const wrongUsage: readonly { words: readonly string[]; says: RegExp }[] = [
  { words: ['statsu'], says: /no command 'statsu': did you mean `isosyncd status`/ },
  { words: ['--confgi', 'x'], says: /unknown option '--confgi'/ },
  { words: ['status', '--jsn'], says: /unknown option '--jsn'/ },
  { words: ['where'], says: /missing required argument 'name'/ },
  { words: ['archive', 'purge', '--config', '/etc/passwd'], says: /either NAME, or --older-than DAYS, or --all/ },
  { words: ['archive', 'purge', '--all', 'x', '--config', '/etc/passwd'], says: /either NAME/ },
  { words: ['archive', 'purge', '--older-than', 'x', '--config', '/etc/passwd'], says: /a number of days, not 'x'/ },
  { words: ['--config', '/nonexistent/sync.json'], says: /no config file \/nonexistent\/sync\.json/ },
  { words: ['status', '--config', '/nonexistent/sync.json'], says: /no config file/ },
  { words: ['--get-ro-secret', 'nonsense'], says: /this is no secret/ },
]

for (const { words, says } of wrongUsage) {
  test(`exit status 2 and a sentence for: isosyncd ${words.join(' ')}`, async () => {
    const { code, out, err } = await run(words)
    assert.deepEqual({ code, out }, { code: 2, out: '' })
    assert.match(err, says)
  })
}

test('--generate-secret gives a new secret each time, --get-ro-secret its read-only form', async () => {
  const [one, other] = await Promise.all([run(['--generate-secret']), run(['--generate-secret'])])
  assert.notEqual(one.out, other.out)
  const secret = one.out.trim()
  assert.notEqual(typeof parseSecret(secret), 'string')
  assert.equal((await run(['--get-ro-secret', secret])).out.trim(), readOnlySecret(secret))
  assert.equal((await run(['--get-ro-secret', '-'], { input: `${secret}\n` })).out.trim(), readOnlySecret(secret))
})

test('--dump-sample-config prints the sample, and --check-config says that it must be filled in', async (t) => {
  const f = fixture(t)
  const { code, out } = await run(['--dump-sample-config'])
  assert.equal(code, 0)
  assert.equal(out, readFileSync(new URL('../../config/sync.sample.json', import.meta.url), 'utf8'))
  const checked = await run(['--config', f.write(out), '--check-config'])
  assert.equal(checked.code, 2)
  assert.match(checked.err, /sync\.json:\d+:\d+: shared_folders\[0\]\.secret: /)
  assert.match(checked.err, /nothing was started, nothing was changed/)
})

test('--check-config of the filled sample is fine and touches nothing', async (t) => {
  const f = fixture(t)
  const file = f.write(filledSample(f).replace('/var/run/isosyncd', `${f.dir}/run`))
  const { code, out, err } = await run(['--config', file, '--check-config'], {
    env: { STATE_DIRECTORY: join(f.dir, 'made-later') },
  })
  assert.deepEqual({ code, err }, { code: 0, err: '' })
  assert.match(out, /fine: 1 folder, port 58889/)
  assert(!existsSync(join(f.dir, 'run')) && !existsSync(join(f.dir, 'made-later')))
})

test('the daemon with a wrong config tells every mistake, ends with 2 and makes nothing', async (t) => {
  const f = fixture(t)
  const store = join(f.dir, 'store')
  const folders = [{ secret: 'x', dir: '/nonexistent' }, { dir: f.folder('a') }]
  const file = f.write(
    JSON.stringify({ storage_path: store, pid_file: `${f.dir}/pid`, listening_port: 0, shared_folders: folders }),
  )
  const { code, out, err } = await run(['--nodaemon', '--config', file, '--log', `${f.dir}/log`])
  assert.deepEqual({ code, out }, { code: 2, out: '' })
  for (const key of ['listening_port', 'shared_folders[0].secret', 'shared_folders[0].dir', 'shared_folders[1].secret'])
    assert(err.includes(key), key)
  assert.match(err, /4 mistakes in/)
  for (const path of [store, `${f.dir}/pid`, `${f.dir}/log`]) assert.equal(existsSync(path), false, path)
})

test('exit status 3 and what to do when the daemon is not running; the config is found through $ISOSYNCD_CONFIG', async (t) => {
  const f = fixture(t)
  const file = f.write(`{ /* broken elsewhere */ "storage_path": "${f.dir}/store", "upload_limit": "x" }`)
  for (const words of [['status'], ['where', 'a.iso'], ['rescan'], ['archive', 'list']]) {
    const { code, err } = await run(words, { env: { ISOSYNCD_CONFIG: file } })
    assert.equal(code, 3, err)
    assert(
      err.includes(`${f.dir}/store/control.sock`) && err.includes('systemctl start isosyncd') && err.includes(file),
      err,
    )
  }
})

test('status prints the report for people, and as JSON for programs', async (t) => {
  const file = await answering(t)
  // CI makes picocolors colour what goes to a pipe, unless it is told not to.
  const forPeople = await run(['status', '--config', file], { env: { CI: '1' } })
  assert(!forPeople.out.includes('\x1b['), forPeople.out)
  assert.equal(forPeople.code, 0)
  assert.match(forPeople.out, /isoserver02 +connected/)
  const forPrograms = await run(['--config', file, 'status', '--json'])
  assert.deepEqual(JSON.parse(forPrograms.out) as StatusReport, sampleStatus)
})

test('status --watch prints block after block without a terminal and ends with 0 when interrupted', async (t) => {
  const file = await answering(t)
  const child = spawn(LAUNCHER, ['status', '--watch', '--json', '--config', file])
  t.after(() => child.kill('SIGKILL'))
  const closed = once(child, 'close')
  let lines = 0
  for await (const part of child.stdout as AsyncIterable<Buffer>) {
    lines += part.toString().split('\n').length - 1
    if (lines >= 2) child.kill('SIGINT')
  }
  await closed
  assert.equal(child.exitCode, 0)
})

test('where ends with 0 only if every known host has it whole', async (t) => {
  const partial = await answering(t)
  const no = await run(['where', 'debian-12.iso', '--folder', 'iso', '--config', partial])
  assert.equal(no.code, 1)
  assert.match(no.out, /Not everywhere: 1 of 3 hosts has it whole/)
  const whole = await answering(t, {
    where: async () => ({ ...sampleWhere, everywhere: true, hosts: sampleWhere.hosts.slice(0, 1) }),
  })
  const yes = await run(['where', '/srv/iso/debian-12.iso', '--json', '--config', whole])
  assert.equal(yes.code, 0)
  assert.equal((JSON.parse(yes.out) as { everywhere: boolean }).everywhere, true)
})

test('the exit status tells a wrong question (2) from a failure (1)', async (t) => {
  const file = await answering(t, {
    archiveRestore: async () => Promise.reject(new ControlError('in-the-way', 'a.iso is there already')),
  })
  const unclear = await run(['where', 'a.iso', '--config', file])
  assert.equal(unclear.code, 2)
  assert.match(unclear.err, /several folders: say which with --folder/)
  const failed = await run(['archive', 'restore', 'a.iso.1', '--folder', 'iso', '--config', file])
  assert.deepEqual({ code: failed.code, err: failed.err }, { code: 1, err: 'isosyncd: a.iso is there already\n' })
})

test('rescan and archive speak plainly', async (t) => {
  const file = await answering(t)
  const say = async (...words: string[]) => {
    const { code, out, err } = await run([...words, '--config', file])
    assert.equal(code, 0, err)
    return out
  }
  assert.match(await say('rescan'), /\/srv\/iso: scan asked for/)
  assert.match(await say('archive', 'list', '--folder', 'iso'), /a\.iso\.20260101T120000Z +5 B +deleted/)
  assert.match(await say('archive', 'restore', 'a.iso.1', '--folder', 'iso'), /is back as a\.iso in \/srv\/iso/)
  assert.match(
    await say('archive', 'purge', '--older-than', '30', '--folder', 'iso'),
    /2 archived files removed for good, 3 MB/,
  )
})

test('a shell completes commands and options', async () => {
  assert.match((await run(['complete', 'bash'])).out, /isosyncd complete --/)
  assert.match((await run(['complete', '--', 'st'])).out, /^status\t/m)
  assert.match((await run(['complete', '--', 'archive', 're'])).out, /^restore\t/m)
})

test('secrets given on the command line or in the config never come back in an error', async (t) => {
  const f = fixture(t)
  const wrong = generateSecret().slice(0, -3)
  const file = f.write(
    JSON.stringify({ network_secret: 'tooshort', shared_folders: [{ secret: wrong, dir: f.folder('a') }] }),
  )
  for (const words of [
    ['--get-ro-secret', wrong],
    ['--config', file, '--check-config'],
    ['--config', file],
  ]) {
    const { out, err } = await run(words)
    assert(!`${out}${err}`.includes(wrong.slice(0, 20)) && !err.includes('tooshort'))
  }
})
