import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Redacted } from '../../src/base/redacted.ts'
import { generateSecret, parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { createLogging } from '../../src/cli/logging.ts'

function logTo(t: TestContext, level?: string) {
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-log-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'sub/log')
  const logging = createLogging({ file, level, isTTY: false })
  return { ...logging, file, text: () => readFileSync(file, 'utf8') }
}

test('a line is JSON with time, level, sentence and fields', (t) => {
  const { log, text } = logTo(t)
  log.child({ folder: '/srv/iso' }).info({ path: 'a.iso' }, 'received a.iso')
  const { time, ...line } = JSON.parse(text()) as Record<string, string>
  assert.deepEqual(line, { level: 'info', folder: '/srv/iso', path: 'a.iso', msg: 'received a.iso' })
  assert.match(time ?? '', /^\d{4}-\d\d-\d\dT/)
})

test('the level decides what is written, and a wrong one is refused in words', (t) => {
  const { log, text } = logTo(t, 'warn')
  log.info({}, 'no')
  log.warn({}, 'yes')
  assert.equal(text().trim().split('\n').length, 1)
  assert.throws(
    () => createLogging({ file: null, level: 'loud', isTTY: false }),
    /ISOSYNCD_LOG_LEVEL is 'loud': expected one of .*trace/,
  )
})

test('after logrotate has moved the file, reopen starts a new one', (t) => {
  const { log, reopen, file, text } = logTo(t)
  log.info({}, 'before')
  renameSync(file, `${file}.1`)
  reopen()
  log.info({}, 'after')
  assert.match(readFileSync(`${file}.1`, 'utf8'), /before/)
  assert.match(text(), /after/)
  assert.doesNotMatch(text(), /before/)
})

test('a log that cannot be written ends nothing: what fits is kept, and what was lost is counted when it can', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-log-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'log')
  symlinkSync('/dev/full', file)
  const { log, reopen } = createLogging({ file, level: undefined, isTTY: false })
  const sentence = 'x'.repeat(1000)
  for (let i = 0; i < 3000; i++) log.info({ i }, sentence)

  rmSync(file)
  reopen()
  log.info({}, 'there is room again')
  await setImmediate()
  const lines = () => readFileSync(file, 'utf8').trimEnd().split('\n')
  const kept = lines().map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(kept[0]?.['i'], 0)
  const last = kept.at(-1)
  assert.equal(last?.['lost'], 3000 - (kept.length - 2))
  assert.match(String(last['msg']), /lines of the log were lost: ENOSPC: no space left/)
})

test('no secret reaches the log, wrapped or forgotten', (t) => {
  const { log, text } = logTo(t, 'trace')
  const secret = generateSecret()
  const keys = parseSecret(secret)
  const values = [secret, readOnlySecret(secret), 'correct horse battery']
  log.info({ wrapped: new Redacted(secret), deep: { list: [new Redacted(values[2])] } }, 'wrapped')
  log.info(
    { secret, network_secret: values[2], config: { secret, networkSecret: values[2], keys } },
    'forgotten in a field',
  )
  log.error(
    { err: new Error(`cannot use ${secret}`), any: values.slice(0, 2) },
    `forgotten in the sentence: ${values[1]}`,
  )
  log.child({ token: secret }).warn({ url: `x?${secret}` }, 'forgotten in a child')
  for (const value of values) assert(!text().includes(value))
  assert.match(text(), /\[secret\]/)
})
