import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FOLDER_PROTOCOL } from '../../src/net/folder-net.ts'
import * as limits from '../../src/net/limits.ts'
import { HostileHost } from './hostile-host.ts'
import { Hosts, keysOf, SECRET, type TestHost } from './test-host.ts'

const GIB = 2 ** 30

async function attack(hosts: Hosts): Promise<{ a: TestHost; hostile: HostileHost }> {
  const a = await hosts.start({ n: 1, knownHosts: ['127.0.0.2:1'] })
  return { a, hostile: await HostileHost.start(2) }
}

test('a frame of 4 GiB that is only announced ends the connection, and the log says so', async () => {
  await using hosts = new Hosts()
  const { a, hostile } = await attack(hosts)
  await using _stopped = hostile
  const connection = await hostile.connect(a.network.port)
  connection.announce(4 * GIB - 1)
  for (let i = 0; i < 10; i++) connection.raw(new Uint8Array(1_000))
  await connection.closed
  await a.until(() => a.network.connectionCount() === 0)
  await a.until(() =>
    a.logged.some((line) => /cut off 127\.0\.0\.2: it announced a frame of 4294967295 bytes/.test(line)),
  )
})

test('before the proof a frame may be small only, afterwards as large as a window, and no larger', async () => {
  await using hosts = new Hosts()
  const { a, hostile } = await attack(hosts)
  await using _stopped = hostile
  const unproven = await hostile.connect(a.network.port)
  unproven.announce(limits.MAX_UNPROVEN_MUXER_FRAME_BYTES + 1)
  await unproven.closed
  const proven = await hostile.connect(a.network.port)
  await proven.prove(keysOf(SECRET))
  proven.announce(limits.MAX_CREDIT_BYTES, 11)
  proven.raw(new Uint8Array(limits.MAX_CREDIT_BYTES))
  const stream = await proven.open(FOLDER_PROTOCOL)
  assert.equal(stream.status, 'open', 'a whole window was taken')
  proven.announce(limits.MAX_CREDIT_BYTES + 1, 13)
  await proven.closed
  await a.until(() => a.events.some((event) => /^down .*it announced a frame of 16777217 bytes/.test(event)))
  assert.ok(
    a.logged.some((line) =>
      /is shut out of this folder for an hour: it sent what it may not: it announced a frame/.test(line),
    ),
  )
})

test('pings without end are not answered without end, whether they are read or not', async () => {
  for (const reads of [true, false]) {
    await using hosts = new Hosts()
    const { a, hostile } = await attack(hosts)
    await using _stopped = hostile
    const connection = await hostile.connect(a.network.port)
    await connection.prove(keysOf(SECRET))
    connection.pings(50)
    if (!reads) connection.stopReading()
    for (let i = 0; i < 20; i++) connection.pings(100)
    await a.until(() => a.logged.some((line) => /cut off 127\.0\.0\.2: it sent pings/.test(line)))
    await a.until(() => a.network.connectionCount() === 0)
  }
})

test('an unproven host may not open streams without end', async () => {
  await using hosts = new Hosts()
  const { a, hostile } = await attack(hosts)
  await using _stopped = hostile
  const connection = await hostile.connect(a.network.port)
  for (let i = 0; i < 3 * limits.MAX_ANSWERS_AT_ONCE; i++) connection.announce(0, 101 + 2 * i)
  await connection.closed
  await a.until(() => a.logged.some((line) => /opened streams without end/.test(line)))
})
