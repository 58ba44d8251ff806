import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createControlClient } from '../../src/api/client.ts'
import { type ControlVerbs } from '../../src/api/control-app.ts'
import { ControlError, type ControlErrorCode } from '../../src/api/control-error.ts'
import { createControlServer } from '../../src/api/control-server.ts'
import { noScrub, sampleStatus, sampleWhere } from './report.fixture.ts'

function verbs(replaced: Partial<ControlVerbs> = {}, calls: unknown[] = []): ControlVerbs {
  return {
    status: () => sampleStatus,
    where: async (folder, path) => (calls.push(['where', folder, path]), sampleWhere),
    approve: async (folder) => ({ folder, paths: 2 }),
    discard: async (folder) => ({ folder, paths: 0 }),
    scrub: async (folder) => ({ ...noScrub, folder }),
    rescan: async (folders) => (calls.push(['rescan', ...folders]), { folders }),
    newIdentity: async () => ({ formerPeerId: 'former' }),
    archiveList: async (folder) => ({ folder, files: [] }),
    archiveRestore: async (folder, name, to) => (
      calls.push(['restore', folder, name, to]),
      { folder, name, path: to ?? 'x' }
    ),
    archivePurge: async (folder, what) => (calls.push(['purge', folder, what]), { folder, files: 1, bytes: 2 }),
    ...replaced,
  }
}

function temporary(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-control-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

async function serve(t: TestContext, socketPath: string, given: ControlVerbs) {
  const server = await createControlServer({ socketPath }, given)
  t.after(() => server.close())
  return createControlClient({ socketPath, advice: 'Start it.' })
}

const withCode =
  (code: ControlErrorCode, words = /./) =>
  (error: unknown) => {
    assert(error instanceof ControlError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, words)
    return true
  }

test('every verb makes the round trip, with the folder made out', async (t) => {
  const calls: unknown[] = []
  const client = await serve(t, join(temporary(t), 'control.sock'), verbs({}, calls))
  assert.deepEqual(await client.status(), sampleStatus)
  assert.deepEqual(await client.where('/srv/iso/a/b.iso'), sampleWhere)
  await client.where('./a.iso', 'iso')
  assert.deepEqual(await client.rescan(), { folders: ['/srv/iso', '/srv/empty'] })
  await client.rescan('ffff')
  assert.equal((await client.archiveList()).length, 2)
  assert.equal((await client.archiveRestore('a.iso.1', { folder: '/srv/iso/', to: 'b.iso' })).path, 'b.iso')
  assert.deepEqual(await client.archivePurge({ what: 'older', days: 3 }, 'empty'), {
    folder: '/srv/empty',
    files: 1,
    bytes: 2,
  })
  assert.deepEqual(calls, [
    ['where', '/srv/iso', 'a/b.iso'],
    ['where', '/srv/iso', 'a.iso'],
    ['rescan', '/srv/iso', '/srv/empty'],
    ['rescan', '/srv/empty'],
    ['restore', '/srv/iso', 'a.iso.1', 'b.iso'],
    ['purge', '/srv/empty', { what: 'older', days: 3 }],
  ])
})

test('what goes wrong arrives with its code and its sentence', async (t) => {
  const halted = async () => Promise.reject(new ControlError('halted', 'the marker is missing'))
  const bug = async () => Promise.reject(new Error('boom'))
  const client = await serve(t, join(temporary(t), 'control.sock'), verbs({ where: halted, archivePurge: bug }))
  await assert.rejects(client.where('a', 'iso'), withCode('halted', /^the marker is missing$/))
  await assert.rejects(client.archivePurge({ what: 'all' }, 'iso'), withCode('failed', /boom/))
  await assert.rejects(client.where('a'), withCode('which-folder', /--folder \(\/srv\/iso, \/srv\/empty\)/))
  await assert.rejects(client.where('a', 'nope'), withCode('no-such-folder', /'nope'/))
  await assert.rejects(client.where('/elsewhere/a'), withCode('no-such-folder', /\/elsewhere\/a/))
  await assert.rejects(client.where(''), withCode('bad-request', /path/))
  await assert.rejects(client.where('x'.repeat(100_000)), withCode('bad-request', /at most/))
})

test('a request that is not ours is answered, not followed', async (t) => {
  const socketPath = join(temporary(t), 'control.sock')
  await serve(t, socketPath, verbs())
  const status = async (method: string, path: string, body: string) => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    request({ socketPath, method, path }, (response) => (response.resume(), resolve(response.statusCode))).end(body)
    return promise
  }
  assert.equal(await status('GET', '/nope', ''), 400)
  for (const body of ['', '{', '[]', '{"path":5}', '{"path":"a","more":1}'])
    assert.equal(await status('POST', '/where', body), 400, body)
})

test('only the owner may open the socket, whatever the umask, and the umask is left as it was', async (t) => {
  const socketPath = join(temporary(t), 'control.sock')
  const before = process.umask(0)
  t.after(() => process.umask(before))
  await serve(t, socketPath, verbs())
  assert.equal(statSync(socketPath).mode & 0o777, 0o600)
  assert.equal(process.umask(), 0)
})

test('the socket is gone after close, and close ends connections that are open', async (t) => {
  const socketPath = join(temporary(t), 'control.sock')
  const never = Promise.withResolvers<never>()
  const server = await createControlServer({ socketPath }, verbs({ where: () => never.promise }))
  const client = createControlClient({ socketPath, advice: 'Start it.' })
  await client.status()
  const asked = assert.rejects(client.where('a', 'iso'), withCode('failed'))
  await client.status()
  await server.close()
  await asked
  assert.equal(existsSync(socketPath), false)
  await assert.rejects(client.status(), withCode('not-running', /there is no socket .*control\.sock\. Start it\./))
})

test('a socket left behind is replaced, a live one is not', async (t) => {
  const socketPath = join(temporary(t), 'control.sock')
  const dead = createServer()
  await new Promise<void>((resolve) => dead.listen(join(socketPath), resolve))
  await assert.rejects(createControlServer({ socketPath }, verbs()), withCode('in-the-way', /already answers/))
  // A dead daemon's socket: the file without a listener.
  const { renameSync } = await import('node:fs')
  renameSync(socketPath, `${socketPath}.aside`)
  await new Promise((resolve) => dead.close(resolve))
  renameSync(`${socketPath}.aside`, socketPath)
  await assert.rejects(
    createControlClient({ socketPath, advice: '' }).status(),
    withCode('not-running', /nobody answers/),
  )
  assert.equal((await (await serve(t, socketPath, verbs())).status()).pid, 4711)
})

test('who was busy until the daemon has closed an idle connection is answered on another', async (t) => {
  const socketPath = join(temporary(t), 'control.sock')
  const server = createHttpServer((_, response) => response.end(JSON.stringify(sampleStatus)))
  server.keepAliveTimeout = 5_000
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  const client = createControlClient({ socketPath, advice: '' })
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await client.status(), sampleStatus)
    server.closeAllConnections()
  }
})

test('a storage_path too long for a socket address works all the same', async (t) => {
  const deep = join(temporary(t), 'd'.repeat(60), 'e'.repeat(60))
  mkdirSync(deep, { recursive: true })
  const client = await serve(t, join(deep, 'control.sock'), verbs())
  assert.equal((await client.status()).pid, 4711)
  assert.equal(statSync(join(deep, 'control.sock')).mode & 0o777, 0o600)
  const none = createControlClient({ socketPath: join(deep, 'gone', 'control.sock'), advice: '' })
  await assert.rejects(none.status(), withCode('not-running'))
})

test('a socket that this user may not open is told apart from a daemon that is not there', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root to become another user')
  const dir = temporary(t)
  chmodSync(dir, 0o755)
  const socketPath = join(dir, 'control.sock')
  const client = await serve(t, socketPath, verbs())
  await asNobody(() => assert.rejects(client.status(), withCode('denied', /as root/)))
})

async function asNobody(act: () => Promise<void>): Promise<void> {
  process.seteuid?.(65534)
  try {
    await act()
  } finally {
    process.seteuid?.(0)
  }
}

test('a file that is no socket is not mistaken for a daemon', async (t) => {
  const socketPath = join(temporary(t), 'control.sock')
  writeFileSync(socketPath, '')
  await assert.rejects(createControlClient({ socketPath, advice: '' }).status(), withCode('not-running'))
})
