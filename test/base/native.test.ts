import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import {
  dropFromCache,
  flockExclusive,
  hasWriters,
  ioprioSetIdle,
  ioprioSetIdleThread,
  posixFallocate,
  renameNoReplace,
  setTimes,
} from '../../src/base/native.ts'
import { declare, haveNative, pretendNoNative } from '../../src/base/native-library.ts'
import { sdNotify } from '../../src/base/sd-notify.ts'

const dir = mkdtempSync(join(tmpdir(), 'isosyncd-native-'))
after(() => rmSync(dir, { recursive: true }))

function withFile<T>(name: string, flags: string, use: (fd: number) => T): T {
  const fd = openSync(join(dir, name), flags)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

const times: readonly (readonly [string, number])[] = [
  ['today', 1_700_000_000_123_457],
  ['the last microsecond of a second', 1_700_000_000_999_999],
  ['the epoch', 0],
  ['the year 2100', 4_102_444_800_000_001],
]

function mtimeAfterSetting(us: number): number {
  return withFile('times', 'w+', (fd) => {
    setTimes(fd, us)
    return Number(fstatSync(fd, { bigint: true }).mtimeNs / 1000n)
  })
}

/** A unix datagram socket, which Node has not got. `name` as in sockaddr_un.sun_path. */
function listenOnDatagrams(name: string): { receive(): string } {
  const fd = declare('int socket(int family, int type, int protocol)')()?.(1, 2, 0) ?? -1
  const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(name)])
  assert.equal(declare('int bind(int fd, const void *address, unsigned int size)')()?.(fd, address, address.length), 0)
  return {
    receive() {
      const bytes = Buffer.alloc(100)
      const got = declare('long recv(int fd, void *bytes, size_t size, int flags)')()?.(fd, bytes, bytes.length, 0x40)
      closeSync(fd)
      return bytes.toString('utf8', 0, got)
    },
  }
}

describe('native calls', () => {
  it('koffi is installed where the tests run', () => assert.ok(haveNative()))

  for (const [name, us] of [...times, ['before 1970', -1_500_001] as const])
    it(`setTimes is exact to the microsecond: ${name}`, () => {
      const ns = BigInt(us) * 1000n
      withFile('exact', 'w+', (fd) => {
        setTimes(fd, us)
        assert.equal(fstatSync(fd, { bigint: true }).mtimeNs, ns)
      })
    })

  it('setTimes leaves the access time alone', () =>
    withFile('atime', 'w+', (fd) => {
      const before = fstatSync(fd, { bigint: true }).atimeNs
      setTimes(fd, 1_000_000)
      assert.equal(fstatSync(fd, { bigint: true }).atimeNs, before)
    }))

  it('renameNoReplace renames, and refuses to replace', async () => {
    writeFileSync(join(dir, 'a'), 'a')
    writeFileSync(join(dir, 'b'), 'b')
    const fd = openSync(dir, 'r')
    assert.equal(await renameNoReplace(fd, 'a', fd, 'b'), false)
    assert.equal(readFileSync(join(dir, 'b'), 'utf8'), 'b')
    assert.equal(await renameNoReplace(fd, 'a', fd, 'c ü'), true)
    assert.equal(readFileSync(join(dir, 'c ü'), 'utf8'), 'a')
    await assert.rejects(renameNoReplace(fd, 'a', fd, 'd'), { code: 'ENOENT' })
    closeSync(fd)
  })

  it('renameNoReplace takes more calls at a time than koffi does', async () => {
    const fd = openSync(dir, 'r')
    const names = Array.from({ length: 600 }, (_, i) => `many-${i}`)
    for (const name of names) writeFileSync(join(dir, name), '')
    const done = await Promise.all(names.map((name) => renameNoReplace(fd, name, fd, `${name}-renamed`)))
    assert.ok(done.every((one) => one === true))
    closeSync(fd)
  })

  it('posixFallocate reserves blocks, and a size beyond the filesystem is an error with a code', () =>
    withFile('reserved', 'w+', (fd) => {
      assert.equal(posixFallocate(fd, 5_000_000), true)
      assert.equal(fstatSync(fd).size, 5_000_000)
      assert.ok(fstatSync(fd).blocks * 512 >= 5_000_000)
      assert.throws(
        () => posixFallocate(fd, 2 ** 52),
        (error: NodeJS.ErrnoException) => /^E(NOSPC|FBIG)$/.test(error.code ?? ''),
      )
    }))

  it('flockExclusive is held by one descriptor at a time', () =>
    withFile('lock', 'w', (first) =>
      withFile('lock', 'r', (second) => {
        assert.equal(flockExclusive(first), true)
        assert.equal(flockExclusive(second), false)
      }),
    ))

  it('hasWriters sees a writer in another process, and that it has gone', async () => {
    const path = join(dir, 'upload')
    writeFileSync(path, '')
    const writer = spawn('sh', ['-c', 'exec 3>"$0"; echo open; read line', path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => writer.stdout.once('data', resolve))
    assert.equal(withFile('upload', 'r', hasWriters), true)
    writer.stdin.end('\n')
    await new Promise((resolve) => writer.once('close', resolve))
    assert.equal(withFile('upload', 'r', hasWriters), false)
  })

  it('hasWriters does not say no when it cannot know', () => assert.equal(hasWriters(-1), null))

  it('ioprioSetIdle puts every thread into the idle class', () => {
    // In a process of its own: this one has other tests to run.
    const module = JSON.stringify(new URL('../../src/base/native.ts', import.meta.url).href)
    const script = `import { ioprioSetIdle } from ${module}; import { execSync } from 'node:child_process'
      const done = ioprioSetIdle()
      const classes = execSync('for t in /proc/' + process.pid + '/task/*; do ionice -p $(basename $t); done').toString()
      console.log(done, [...new Set(classes.trim().split('\\n'))].join())`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    assert.equal(out.trim(), 'true idle')
    assert.equal(typeof ioprioSetIdle, 'function')
  })

  it('ioprioSetIdleThread puts the calling thread alone into the idle class', () => {
    const module = JSON.stringify(new URL('../../src/base/native.ts', import.meta.url).href)
    const script = `import { ioprioSetIdleThread } from ${module}; import { execSync } from 'node:child_process'
      const classOf = (thread) => execSync('ionice -p ' + thread).toString().trim()
      const others = '/proc/' + process.pid + '/task'
      const done = ioprioSetIdleThread()
      const classes = execSync('ls ' + others).toString().trim().split('\\n').filter((t) => Number(t) !== process.pid).map(classOf)
      console.log(done, classOf(process.pid), classes.length > 0 && classes.every((c) => c !== 'idle'))`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    assert.equal(out.trim(), 'true idle true')
  })

  it('dropFromCache says whether it could', () => {
    assert.equal(
      withFile('dropped', 'w+', (fd) => dropFromCache(fd, 0, 4096)),
      true,
    )
    assert.equal(dropFromCache(-1, 0, 4096), false)
  })

  for (const kind of ['path', 'abstract'] as const)
    it(`sdNotify sends a datagram to a socket with a name of kind ${kind}`, () => {
      const name = kind === 'path' ? join(dir, 'notify') : `isosyncd-test-${process.pid}`
      const listener = listenOnDatagrams(kind === 'path' ? `${name}\0` : `\0${name}`)
      assert.equal(sdNotify('READY=1', kind === 'path' ? name : `@${name}`), true)
      assert.equal(listener.receive(), 'READY=1')
    })

  it('sdNotify is false where no one listens', () => {
    assert.equal(sdNotify('READY=1', join(dir, 'nobody')), false)
    assert.equal(sdNotify('READY=1', 'relative'), false)
    assert.equal(sdNotify('READY=1', '/' + 'x'.repeat(200)), false)
    assert.equal(sdNotify('READY=1', undefined), false)
  })
})

describe('native calls without koffi', () => {
  it('do the next best thing or say that they cannot', async () => {
    pretendNoNative(true)
    try {
      assert.equal(haveNative(), false)
      assert.equal(ioprioSetIdle(), false)
      assert.equal(ioprioSetIdleThread(), false)
      assert.equal(dropFromCache(0, 0, 1), false)
      assert.equal(sdNotify('READY=1', '/x'), false)
      assert.equal(await renameNoReplace(0, 'a', 0, 'b'), null)
      assert.equal(
        withFile('x', 'w', (fd) => posixFallocate(fd, 10)),
        false,
      )
      assert.equal(withFile('x', 'w', flockExclusive), null)
      assert.equal(withFile('x', 'r', hasWriters), null)
      for (const [name, us] of times) assert.equal(mtimeAfterSetting(us), us, name)
      assert.equal(mtimeAfterSetting(-1_500_000), -1_500_000)
    } finally {
      pretendNoNative(false)
    }
  })
})
