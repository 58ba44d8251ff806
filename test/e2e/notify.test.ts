/** What systemd is told: READY when it serves, the watchdog fed from the control loop, STOPPING. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { declare } from '../../src/base/native-library.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { report } from './pool.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const MSG_DONTWAIT = 0x40
const WATCHDOG_MS = 300

const socket3 = declare('int socket(int family, int type, int protocol)')()
const bind3 = declare('int bind(int fd, const void *address, unsigned int size)')()
const recv4 = declare('long recv(int fd, void *bytes, size_t length, int flags)')()
const close1 = declare('int close(int fd)')()

/** The socket that NOTIFY_SOCKET names; Node itself has no unix datagrams. */
class Manager {
  readonly path: string
  readonly told: string[] = []
  readonly #fd: number

  constructor(path: string) {
    this.path = path
    this.#fd = Number(socket3?.(AF_UNIX, SOCK_DGRAM, 0))
    const family = Buffer.alloc(2)
    family.writeUInt16LE(AF_UNIX)
    const address = Buffer.concat([family, Buffer.from(path), Buffer.alloc(1)])
    assert.equal(bind3?.(this.#fd, address, address.length), 0)
  }

  /** Takes what has come. */
  hears(text: string): boolean {
    const bytes = Buffer.alloc(4096)
    for (let got = 0; (got = Number(recv4?.(this.#fd, bytes, bytes.length, MSG_DONTWAIT))) > 0;)
      this.told.push(bytes.toString('utf8', 0, got))
    return this.told.includes(text)
  }

  count(text: string): number {
    this.hears(text)
    return this.told.filter((told) => told === text).length
  }

  close(): void {
    close1?.(this.#fd)
  }
}

const skip = recv4 === null && 'koffi is not here: there is no way to tell systemd'
let cluster: Cluster
let host: Host
let manager: Manager

before(async () => {
  if (skip) return
  cluster = await Cluster.make({ hosts: 1 })
  host = cluster.host(0)
  manager = new Manager(join(cluster.top, 'notify'))
  host.start({ NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: String(WATCHDOG_MS * 1000) })
})
after(async () => {
  if (skip) return
  manager.close()
  await cluster[Symbol.asyncDispose]()
})

test('READY=1 is told first, when it listens, answers, and the first scan has begun', { skip }, async () => {
  await until('it is ready', () => manager.hears('READY=1'))
  assert.equal(manager.told[0], 'READY=1')
  assert.equal(manager.count('READY=1'), 1)
  const folder = await report(host)
  assert.ok(folder?.scan.running === true || folder?.scan.at !== null)
  assert.ok(host.log().some(({ msg }) => String(msg).includes('is listening on port')))
})

test('WATCHDOG=1 comes again and again, well within the time that systemd gives', { skip }, async () => {
  const before = manager.count('WATCHDOG=1')
  await until('it is fed five times more', () => manager.count('WATCHDOG=1') >= before + 5)
})

test('a daemon that stands still feeds the watchdog no more', { skip }, async () => {
  host.signal('SIGSTOP')
  await until('what was on its way has come', () => {
    const before = manager.count('WATCHDOG=1')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * WATCHDOG_MS)
    return manager.count('WATCHDOG=1') === before
  })
  host.signal('SIGCONT')
  const before = manager.count('WATCHDOG=1')
  await until('it goes on', () => manager.count('WATCHDOG=1') > before)
})

test('STOPPING=1 is told at SIGTERM, and the end is clean', { skip }, async () => {
  assert.equal(await host.kill('SIGTERM'), 0)
  assert.ok(manager.hears('STOPPING=1'))
  assert.equal(manager.told.at(-1), 'STOPPING=1')
})

test('a daemon that cannot start is never ready', { skip }, async () => {
  const before = manager.count('READY=1')
  host.start({ NOTIFY_SOCKET: manager.path, STATE_DIRECTORY: '/proc/nowhere' }, ['--config', '/nonexistent.json'])
  assert.equal(await host.ended(), 2)
  assert.equal(manager.count('READY=1'), before)
})
