import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

/** What `systemd-analyze security` may say at most; 0 is a service that can do nothing. */
const MAX_EXPOSURE = 1.5

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const unit = readFileSync(here('../systemd/isosyncd.service'), 'utf8')

/** All values of a setting, in order. */
function values(key: string): readonly string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map((match) => match[1] ?? '')
}

/** Runs systemd-analyze on the unit with the launcher of this checkout; skips only where it is missing and CI is not set. */
function analyze(t: TestContext, ...words: string[]) {
  if (spawnSync('systemd-analyze', ['--version']).error !== undefined) {
    assert.equal(process.env['CI'], undefined, 'systemd-analyze is missing in CI')
    t.skip('systemd-analyze is not installed')
    return null
  }
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-unit-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'isosyncd.service')
  writeFileSync(file, unit.replace('ExecStart=/usr/bin/isosyncd', `ExecStart=${here('../bin/isosyncd')}`))
  return spawnSync('systemd-analyze', [...words, file], { encoding: 'utf8' })
}

test('systemd-analyze verify has nothing to say about the unit', (t) => {
  const ran = analyze(t, 'verify')
  if (ran !== null) assert.deepEqual({ status: ran.status, said: ran.stdout + ran.stderr }, { status: 0, said: '' })
})

test(`the exposure of the unit is at most ${MAX_EXPOSURE}`, (t) => {
  const ran = analyze(t, 'security', '--offline=true', '--no-pager')
  if (ran === null) return
  const exposure = /Overall exposure level for isosyncd\.service: ([0-9.]+)/.exec(ran.stdout)?.[1]
  assert(exposure !== undefined && Number(exposure) <= MAX_EXPOSURE, ran.stdout)
})

test('the unit leaves Node what its compiler and its network need', () => {
  assert.deepEqual(values('MemoryDenyWriteExecute'), [], 'V8 writes machine code and runs it')
  assert.deepEqual(values('PrivateNetwork'), [])
  const families = values('RestrictAddressFamilies').join(' ').split(' ')
  // AF_NETLINK: os.networkInterfaces(), which libp2p calls when it listens.
  assert.deepEqual(families.toSorted(), ['AF_INET', 'AF_INET6', 'AF_NETLINK', 'AF_UNIX'])
  // A process that is killed for a system call says nothing; one that gets EPERM does.
  assert.deepEqual(values('SystemCallErrorNumber'), ['EPERM'])
  assert.equal(values('SystemCallFilter')[0], '@system-service')
  assert.equal(values('SystemCallFilter').at(-1), 'ioprio_set', 'disk_low_priority')
})

test('the daemon and the unit agree on how it starts, lives and stops', () => {
  assert.deepEqual(values('Type'), ['notify'])
  assert.deepEqual(values('NotifyAccess'), ['main'])
  assert.deepEqual(values('WatchdogSec'), ['60'])
  assert.deepEqual(values('ExecReload'), ['/bin/kill -HUP $MAINPID'])
  assert.deepEqual(values('Restart'), ['on-failure'])
  assert.deepEqual(values('LimitNOFILE'), ['65536'])
  assert.deepEqual(values('StateDirectory'), ['isosyncd'])
  const [user] = values('User')
  assert.match(readFileSync(here('../systemd/isosyncd.sysusers'), 'utf8'), new RegExp(`^u ${user} `, 'm'))
})

test('the sysusers file is one that systemd-sysusers takes', (t) => {
  const ran = spawnSync('systemd-sysusers', ['--dry-run', here('../systemd/isosyncd.sysusers')], { encoding: 'utf8' })
  if (ran.error !== undefined) return t.skip('systemd-sysusers is not installed')
  // Debian 11 knows no --dry-run.
  if (ran.stderr.includes('unrecognized option')) return t.skip('systemd-sysusers is too old for --dry-run')
  assert.equal(ran.status, 0, ran.stderr)
})
