import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { type Log, silentLog } from '../../src/base/log.ts'
import * as limits from '../../src/net/limits.ts'
import { WaitingRoom } from '../../src/net/waiting-room.ts'
import { VirtualClock } from './virtual-clock.ts'

function room() {
  const clock = new VirtualClock()
  const logged: string[] = []
  const log: Log = { ...silentLog, warn: (_fields, sentence) => void logged.push(sentence) }
  const room = new WaitingRoom({ clock, log })
  const enter = (address: string, known: boolean) => {
    const connection = new Socket()
    return room.enter(connection, address, known) ? connection : null
  }
  return { clock, logged, room, enter }
}

test('one address gets a few places, which come free when a connection ends or has proven itself', () => {
  const { logged, room: waiting, enter } = room()
  const here = Array.from({ length: limits.MAX_UNPROVEN_PER_ADDRESS }, () => enter('192.0.2.1', true))
  assert.ok(here.every((connection) => connection !== null))
  for (let i = 0; i < 1_000; i++) assert.equal(enter('192.0.2.1', true), null)
  assert.equal(logged.length, 1)
  assert.match(logged[0] ?? '', /refusing connections from 192\.0\.2\.1/)
  assert.ok(enter('192.0.2.2', true), 'others are not held up')
  here[0]?.emit('close')
  here[0]?.emit('close')
  if (here[1]) waiting.leave(here[1])
  assert.deepEqual(
    [1, 2, 3].map(() => enter('192.0.2.1', true) !== null),
    [true, true, false],
  )
})

test('strangers from any number of addresses leave the places of known hosts free, and have little time', async () => {
  const { clock, enter } = room()
  const strangers = Array.from({ length: 1_000 }, (_, i) => enter(`198.51.100.${i % 250}`, false))
  const inside = strangers.filter((connection) => connection !== null)
  assert.equal(inside.length, limits.MAX_UNPROVEN_STRANGERS)
  const known = enter('192.0.2.1', true)
  assert.ok(known)
  await clock.pass(limits.UNPROVEN_STRANGER_MS)
  assert.ok(inside.every(({ destroyed }) => destroyed))
  assert.equal(known.destroyed, false, 'a known host keeps its place: status says why it is no peer')
  await turn()
  assert.ok(enter('198.51.100.1', false), 'there is room again')
})

test('strangers begin no more handshakes than so many a second, known hosts as many as they like', async () => {
  const { clock, room: waiting } = room()
  const begun = () => Array.from({ length: 1_000 }, () => waiting.begins(false)).filter((begins) => begins).length
  assert.equal(begun(), limits.MAX_STRANGERS_AT_ONCE)
  assert.ok(waiting.begins(true))
  await clock.pass(1_000)
  assert.equal(begun(), limits.MAX_STRANGERS_PER_SECOND)
  await clock.pass(3_600_000)
  assert.equal(begun(), limits.MAX_STRANGERS_AT_ONCE)
})
