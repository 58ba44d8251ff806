import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HeldByAnother, takePidFile } from '../src/pid-file.ts'

function pidPath(t: TestContext): { dir: string; path: string } {
  const dir = mkdtempSync(join(tmpdir(), 'pid-file-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return { dir, path: join(dir, 'run', 'daemon.pid') }
}

/** A process that lives until the test ends; its command line begins with `name`. */
async function living(t: TestContext, name: string): Promise<number> {
  const child = spawn('sleep', ['1000'], { argv0: name })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  assert(child.pid !== undefined)
  return child.pid
}

test('the file holds our process id, and is gone after release', (t) => {
  const { path } = pidPath(t)
  const file = takePidFile(path)
  assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`)
  assert.deepEqual(readdirSync(join(path, '..')), ['daemon.pid'])
  file.release()
  assert.equal(existsSync(path), false)
  file.release()
})

test('a living isosyncd is refused with its process id, and its file is left alone', async (t) => {
  const { dir, path } = pidPath(t)
  takePidFile(path).release()
  const pid = await living(t, 'isosyncd --config x')
  writeFileSync(path, `${pid}\n`)
  assert.throws(
    () => takePidFile(path),
    (error) => error instanceof HeldByAnother && error.pid === pid && error.message.includes(String(pid)),
  )
  assert.equal(readFileSync(path, 'utf8'), `${pid}\n`)
  assert.deepEqual(readdirSync(join(dir, 'run')), ['daemon.pid'])
})

test('a stale file is taken over, whatever is in it', async (t) => {
  const { path } = pidPath(t)
  takePidFile(path).release()
  const dead = spawn('true')
  await once(dead, 'close')
  const other = await living(t, 'another program')
  const stale = {
    'a dead process': dead.pid,
    'another program': other,
    'our own id': process.pid,
    nothing: '',
    nonsense: 'x',
    'a negative id': -1,
  }
  for (const [name, text] of Object.entries(stale)) {
    writeFileSync(path, `${text}\n`)
    const file = takePidFile(path)
    assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`, name)
    file.release()
  }
})

test('release leaves a file alone that another has taken since', (t) => {
  const { path } = pidPath(t)
  const file = takePidFile(path)
  writeFileSync(path, '4194305\n')
  file.release()
  assert.equal(readFileSync(path, 'utf8'), '4194305\n')
})

test('of many that start together, one gets the file', async (t) => {
  const { path } = pidPath(t)
  writeFileSync(join(path, '..', '..', 'stale'), '')
  const module = JSON.stringify(new URL('../src/pid-file.ts', import.meta.url).href)
  const script = `process.title = 'isosyncd'; const { takePidFile } = await import(${module})
    try { takePidFile(${JSON.stringify(path)}); console.log('got it'); setTimeout(() => {}, 1e6) } catch (e) { console.log(e.name) }`
  const answers = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script])
      t.after(() => child.kill('SIGKILL'))
      const [data] = (await once(child.stdout, 'data')) as [Buffer]
      return data.toString().trim()
    }),
  )
  assert.deepEqual(answers.toSorted(), ['HeldByAnother', 'HeldByAnother', 'HeldByAnother', 'got it'])
})
