/** What `doctor` finds where no daemon need run for it: storage_path, and what is around. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type Finding } from '../../src/api/finding.ts'
import { examineStorage } from '../../src/host/examine-storage.ts'
import { examineClock, examineWatches } from '../../src/host/examine-surroundings.ts'

let storage: string
beforeEach(() => (storage = mkdtempSync(join(tmpdir(), 'isosyncd-examine-'))))
afterEach(() => rmSync(storage, { recursive: true }))

const about = (findings: readonly Finding[], what: RegExp) => findings.find((finding) => what.test(finding.what))

test('an identity that was cut short is to be removed: the daemon makes a new one', () => {
  writeFileSync(join(storage, 'identity.key'), 'x'.repeat(31), { mode: 0o600 })
  const found = about(examineStorage(storage, false).findings, /identity\.key is no identity: it has 31 bytes/)
  assert.equal(found?.level, 'critical')
  assert.match(found.mend ?? '', /^rm .*identity\.key/)
})

test('a storage_path that is new is nothing to mend: the daemon makes what is missing', () => {
  const there = examineStorage(storage, false).findings
  assert.ok(about(there, /no identity yet/) && about(there, /no index/))
  const missing = examineStorage(join(storage, 'none'), false).findings
  assert.ok(about(missing, /is not there yet/))
  const levels = [...there, ...missing].map(({ level }) => level)
  assert.deepEqual(
    levels.filter((level) => level !== 'fine' && level !== 'note'),
    [],
  )
})

test('an index that is no database is said to be damaged, with the one command that mends it', () => {
  writeFileSync(join(storage, 'index.db'), 'no database'.repeat(1000))
  const found = about(examineStorage(storage, false).findings, /index\.db is damaged/)
  assert.equal(found?.level, 'warning')
  assert.match(found.mend ?? '', /systemctl start isosyncd/)
})

test('what was set aside is told', () => {
  writeFileSync(join(storage, 'index.db.damaged-20270101T000000Z'), '')
  assert.ok(about(examineStorage(storage, false).findings, /index\.db\.damaged-20270101T000000Z was set aside/))
})

test('a clock before isosyncd was made is wrong; one of today is not', async () => {
  const wrong = await examineClock(Date.UTC(2016, 0, 1))
  assert.equal(wrong.level, 'critical')
  assert.match(wrong.mend ?? '', /timedatectl set-ntp true/)
  assert.match((await examineClock(Date.UTC(2027, 0, 1))).what, /^the clock .*2027/)
})

test('where the system allows few watches it is said what raises the limit; where it does not say, nothing', () => {
  const [few, ...others] = examineWatches(8000)
  assert.equal(few?.level, 'warning')
  assert.match(few?.mend ?? '', /max_user_watches=\d+ > \/etc\/sysctl\.d/)
  assert.deepEqual([...others, ...examineWatches(NaN), ...examineWatches(1_000_000)], [])
})
