import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RotState, type ScrubNowReport, type ScrubReport } from '../../src/api/api-types.ts'
import { type ControlClient } from '../../src/api/client.ts'
import { renderScrub, scrubState } from '../../src/cli/render-scrub.ts'
import { scrub } from '../../src/cli/scrub-command.ts'
import { type Terminal } from '../../src/cli/terminal.ts'
import { noScrub } from '../api/report.fixture.ts'

const DAY_MS = 86_400_000
const ended: ScrubNowReport = {
  path: null, running: false, files: 3, doneFiles: 3, bytes: 6_000_000, doneBytes: 6_000_000,
  rot: [], unreadFiles: 0, unread: [], touchedFiles: 0,
} // prettier-ignore
const running = { ...ended, running: true, doneFiles: 1, doneBytes: 1_500_000 }
const rotten = (state: RotState) => ({ ...ended, rot: [{ path: 'a\x1b.iso', state }] })

/** Runs the command against a daemon that gives these answers, the last one again and again. */
async function run(answers: readonly (ScrubNowReport | null)[], options = {}, isTTY = false) {
  const asked: object[] = []
  let next = 0
  const client = {
    scrub: async (given: object): Promise<readonly ScrubReport[]> => {
      asked.push(given)
      return [{ ...noScrub, now: answers[Math.min(next++, answers.length - 1)] ?? null }]
    },
  } as ControlClient
  let out = ''
  const terminal: Terminal = {
    isTTY, colors: false, columns: () => 80, rows: () => 24, out: (text) => (out += text), err: () => {},
  } // prettier-ignore
  const code = await scrub(client, undefined, options, terminal)
  return { code, out, asked }
}

test('scrub --now waits for the end, shows how far it is, and is fine when nothing is rotten', async () => {
  const { code, out, asked } = await run([running, running, ended], { now: true })
  assert.equal(code, 0)
  assert.deepEqual(asked, [{ now: true }, {}, {}])
  assert.match(out, /^25 % {2}1\.5 MB of 6 MB$/m)
  assert.match(out, /^\/srv\/iso: 3 files read, 6 MB: nothing rotten$/m)
})

test('scrub --now waits until what is rotten has been healed', async () => {
  const { code, out } = await run([running, rotten('healing'), rotten('waiting'), rotten('healed')], { now: true })
  assert.equal(code, 0)
  assert.match(out, /3 files read, 6 MB: 1 rotten file\n {2}a\\x1b\.iso: rotten, and healed$/m)
})

test('scrub --now fails where a file could not be read, and says which', async () => {
  const { code, out } = await run([{ ...ended, unreadFiles: 1, unread: [{ path: 'b.iso', why: 'b.iso: denied' }] }], { now: true })
  assert.equal(code, 1)
  assert.match(out, /nothing rotten; 1 file could not be read\n {2}b\.iso: b\.iso: denied/)
}) // prettier-ignore

test('scrub --now says that it ended with a daemon that was restarted', async () => {
  await assert.rejects(run([running, null], { now: true }), /the daemon was restarted.*Ask again/)
})

test('scrub --now draws one line again and again on a terminal, and leaves none', async () => {
  const { out } = await run([running, running, rotten('healing'), ended], { now: true }, true)
  assert.match(out, /\r\x1b\[K█{5}░{15} 25 % {2}1\.5 MB of 6 MB/)
  assert.match(out, /100 % {2}6 MB of 6 MB, 1 rotten, 1 of them being healed/)
  assert.match(out, /\r\x1b\[K\/srv\/iso: 3 files read/)
})

test('scrub --json is for programs', async () => {
  const { out } = await run([running, ended], { now: true, json: true })
  assert.deepEqual(JSON.parse(out), [{ ...noScrub, now: ended }])
})

test('scrub without --now says how far the round is, and is always fine', async () => {
  const { code, out, asked } = await run([rotten('waiting')])
  assert.deepEqual([code, asked], [0, [{ now: false }]])
  assert.match(out, /^\/srv\/iso: scrubbed only with --now\n {2}no round has ended yet\n {2}last --now: 3 files read/)
})

const round = { beganAt: 0, files: 4, doneFiles: 1, bytes: 100, doneBytes: 43 }
const states: readonly { what: string; report: Partial<ScrubReport>; shown: string }[] = [
  { what: 'never', report: {}, shown: 'never scrubbed' },
  { what: 'only by the operator', report: { endedAt: 0 }, shown: 'scrubbed 2d ago' },
  { what: 'not begun', report: { intervalDays: 30 }, shown: 'not scrubbed yet' },
  { what: 'the first round', report: { intervalDays: 30, round }, shown: 'scrub 43 % done' },
  { what: 'another round', report: { intervalDays: 30, round, endedAt: 0 }, shown: 'scrub 43 % done (scrubbed 2d ago)' },
  { what: 'now', report: { intervalDays: 30, round, now: running }, shown: 'scrubbing now, 25 % done' },
] // prettier-ignore

for (const { what, report, shown } of states)
  test(`status says of a scrub: ${what}`, () => assert.equal(scrubState({ ...noScrub, ...report }, 2 * DAY_MS), shown))

test('scrub NAME says when that file was last found right', () => {
  const of = (file: ScrubReport['file']) => renderScrub([{ ...noScrub, intervalDays: 30, file }], 2 * DAY_MS)
  assert.match(of({ path: 'a', verifiedAt: 0, rotten: false }), /all content every 30 days(\n.*)*a was found right 2d ago/)
  assert.match(of({ path: 'a', verifiedAt: null, rotten: false }), /a has not been read again since it came/)
  assert.match(of({ path: 'a', verifiedAt: 0, rotten: true }), /a has rotted, see `isosyncd status`/)
}) // prettier-ignore
