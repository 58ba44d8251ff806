import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pretendNoNative } from '../../src/base/native-library.ts'
import { acquireLock, type Lock } from '../../src/fs/root-lock.ts'

const modules = ['../../src/fs/root-lock.ts', '../../src/base/native-library.ts']
const [lockModule, nativeModule] = modules.map((path) => JSON.stringify(new URL(path, import.meta.url).href))

/** Another process that takes the lock and keeps it until it is killed. */
async function otherProcess(file: string, native: boolean): Promise<ChildProcess> {
  const script = `import { acquireLock } from ${lockModule}; import { pretendNoNative } from ${nativeModule}
    if (!${native}) pretendNoNative(true)
    console.log('heldBy' in acquireLock(${JSON.stringify(file)}) ? 'refused' : 'taken')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve))
  assert.equal(said.toString().trim(), 'taken')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await ended
}

function taken(result: ReturnType<typeof acquireLock>): Lock {
  assert.ok(!('heldBy' in result), 'the lock is free')
  return result
}

for (const [how, native] of [
  ['by the kernel', true],
  ['by name, without koffi', false],
] as const)
  describe(`acquireLock ${how}`, () => {
    let dir: string
    let file: string
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), 'isosyncd-lock-'))
      file = join(dir, 'lock')
      if (!native) pretendNoNative(true)
    })
    afterEach(() => {
      pretendNoNative(false)
      rmSync(dir, { recursive: true })
    })

    it('takes a free lock, and names us in the file', () => {
      const lock = taken(acquireLock(file))
      assert.equal(parseInt(readFileSync(file, 'utf8')), process.pid)
      assert.deepEqual(readdirSync(dir), ['lock'])
      lock.release()
    })

    it('refuses a second taker with the pid of the first, and is free again after release', () => {
      const lock = taken(acquireLock(file))
      assert.deepEqual(acquireLock(file), { heldBy: process.pid })
      lock.release()
      lock.release()
      taken(acquireLock(file)).release()
    })

    it('sees another process, and takes over when that was killed', async () => {
      const child = await otherProcess(file, native)
      try {
        assert.deepEqual(acquireLock(file), { heldBy: child.pid })
      } finally {
        await kill(child)
      }
      taken(acquireLock(file)).release()
    })

    for (const [name, text] of [
      ['a process that is gone', '999999999 1\n'],
      ['our pid, from before a reboot', `${process.pid} 1\n`],
      ['nothing', ''],
      ['nonsense', 'x\n'],
    ] as const)
      it(`takes over a file that names ${name}`, () => {
        writeFileSync(file, text)
        taken(acquireLock(file)).release()
      })

    it('says which file when it cannot be made', () => {
      assert.throws(() => acquireLock(join(dir, 'none', 'lock')), {
        name: 'FsError',
        code: 'missing',
        path: join(dir, 'none', 'lock'),
      })
    })
  })
