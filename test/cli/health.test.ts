/** `isosyncd health`: what each state of a daemon is worth to a monitoring system. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type FolderReport, type HostReport, type StatusReport } from '../../src/api/api-types.ts'
import { createControlClient } from '../../src/api/client.ts'
import { ControlError } from '../../src/api/control-error.ts'
import { diagnose } from '../../src/cli/diagnosis.ts'
import { health, healthOf } from '../../src/cli/health-command.ts'
import { type Terminal } from '../../src/cli/terminal.ts'
import { type Problem, type ProblemKind } from '../../src/sync/problem.ts'
import { sampleStatus } from '../api/report.fixture.ts'
import { fixture } from '../config/fixture.ts'
import { run } from './run.ts'

const [first] = sampleStatus.folders as [FolderReport]
const [self, proven] = first.hosts as [HostReport, HostReport]
const well: FolderReport = { ...first, state: 'synced', hosts: [self, proven], problems: [] }
const down = (trouble: HostReport['trouble'], why = 'because'): HostReport => ({
  ...proven,
  host: 'iso3:58889',
  state: 'down',
  why,
  ...(trouble === undefined ? {} : { trouble }),
})
const problem = (kind: ProblemKind): Problem => ({ kind, path: 'a.iso', detail: `a.iso is ${kind}` })
const report = (change: Partial<FolderReport>, uptimeS = 3600): StatusReport => ({
  ...sampleStatus,
  uptimeS,
  folders: [{ ...well, ...change }],
})

const CASES: readonly [name: string, report: StatusReport, health: string, says: RegExp | null][] = [
  ['all connected and in step', report({}), 'ok', null],
  ['scanning and syncing are no trouble', report({ state: 'syncing' }), 'ok', null],
  ['one of two hosts is down', report({ hosts: [self, proven, down('unreachable')] }), 'ok', /iso3:58889 is not connected/],
  ['halted', report({ state: 'halted', stateDetail: 'the marker is missing' }), 'critical', /is halted: the marker/],
  ['paused', report({ state: 'paused', stateDetail: 'the disk is full' }), 'critical', /is paused: the disk is full/],
  ['nobody is connected', report({ hosts: [self, down('unreachable')] }), 'critical', /no peer is connected/],
  ['nobody is connected yet', report({ hosts: [self, down(undefined)] }, 5), 'warning', /no peer is connected/],
  ['alone in known_hosts', report({ hosts: [self] }), 'ok', /synced with nobody/],
  ['a copy of this host', report({ hosts: [self, proven, down('clone')] }), 'critical', /iso3:58889.*because/],
  ['a wrong secret', report({ hosts: [self, proven, down('wrong-secret')] }), 'warning', /iso3:58889/],
  ['a wrong network_secret', report({ hosts: [self, proven, down('wrong-network-secret')] }), 'warning', /iso3:58889/],
  ['the brake here', report({ problems: [problem('held-deletions')] }), 'warning', /held-deletions/],
  ['the brake on overwrites', report({ problems: [problem('held-overwrites')] }), 'warning', /held-overwrites/],
  ['the brake there', report({ problems: [problem('held-removals')] }), 'warning', /held-removals/],
  ['a conflict', report({ problems: [problem('conflict')] }), 'warning', /a\.iso is conflict/],
  ['a failing disk', report({ problems: [problem('io-error')] }), 'critical', /io-error/],
  ['no events on NFS', report({ problems: [problem('no-events')] }), 'ok', /no-events/],
] // prettier-ignore

for (const [name, status, expected, says] of CASES)
  test(`health: ${name}: ${expected}`, () => {
    const findings = diagnose(status)
    assert.equal(healthOf(findings), expected)
    if (says === null) assert.deepEqual(findings, [])
    else
      assert.ok(
        findings.some((finding) => says.test(finding.what)),
        JSON.stringify(findings),
      )
    for (const { level, mend } of findings) if (level !== 'note') assert.ok(mend !== null && mend !== '')
  })

test('many problems of one kind are one thing to do', () => {
  const findings = diagnose(report({ problems: [problem('unreadable'), problem('unreadable'), problem('unreadable')] }))
  assert.equal(findings.length, 1)
  assert.match(findings[0]?.what ?? '', /a\.iso is unreadable \(and 2 more of this kind\)/)
})

async function answer(status: () => Promise<StatusReport>, json = false) {
  let text = ''
  const terminal = { out: (part: string) => (text += part) } as unknown as Terminal
  const client = { ...createControlClient({ socketPath: '/nowhere', advice: '' }), status }
  return { code: await health(() => client, { json }, terminal), text }
}

test('the first line says it all, and the exit status is that of a monitoring plugin', async () => {
  const fine = await answer(async () => report({}))
  assert.deepEqual(fine, { code: 0, text: 'OK: 1 folder, 1,234 files, 1 of 1 other host connected\n' })
  const braked = await answer(async () => report({ problems: [problem('held-deletions')] }))
  assert.equal(braked.code, 1)
  assert.match(braked.text, /^WARNING: .*held-deletions.*\nwarning: .*`isosyncd approve`/)
  const halted = await answer(async () => report({ state: 'halted', stateDetail: 'no marker' }), true)
  assert.equal(halted.code, 2)
  const parsed = JSON.parse(halted.text) as { health: string; exitStatus: number; findings: { level: string }[] }
  assert.deepEqual([parsed.health, parsed.exitStatus, parsed.findings[0]?.level], ['critical', 2, 'critical'])
  const unknown = await answer(() => Promise.reject(new ControlError('denied', 'this user may not')))
  assert.deepEqual(unknown, { code: 3, text: 'UNKNOWN: this user may not\n' })
})

test('a daemon that is not running is critical, and a config that is not there unknown', async (t: TestContext) => {
  const f = fixture(t)
  const file = f.write(JSON.stringify({ storage_path: f.folder('store'), shared_folders: [] }))
  const stopped = await run(['health', '--config', file])
  assert.equal(stopped.code, 2, stopped.err)
  assert.match(stopped.out, /^CRITICAL: the daemon is not running/)
  const missing = await run(['health', '--config', join(f.dir, 'none.json')])
  assert.deepEqual([missing.code, missing.out.startsWith('UNKNOWN: there is no config file')], [3, true])
})
