import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RequestWindow } from '../../src/engine/request-window.ts'

const MIB = 1 << 20
const ROUND_TRIP_MS = 80

/** Fills the window with requests, then lets all come after `tookMs` (null: fail); gives the room of the empty window. */
function round(window: RequestWindow, tookMs: number | null): number {
  const asked: number[] = []
  while (window.room > 0) {
    asked.push(window.requestBytes)
    window.asked(window.requestBytes)
  }
  for (const bytes of asked) {
    if (tookMs !== null) window.came(bytes, tookMs, ROUND_TRIP_MS)
    window.ended(bytes)
  }
  return window.room
}

describe('the window of one peer', () => {
  test('grows while full windows are answered soon, up to 16 MiB', () => {
    const window = new RequestWindow(1)
    const rooms = Array.from({ length: 160 }, () => round(window, ROUND_TRIP_MS + 100))
    assert.ok((rooms[7] ?? 0) > MIB)
    assert.equal(rooms.at(-1), 16 * MIB)
  })

  test('doubles while each piece that comes soon makes room for two', () => {
    const window = new RequestWindow(1)
    const first = window.room
    while (window.room > 0) window.asked(window.requestBytes)
    for (let left = first; left > 0; left -= MIB / 8) {
      window.came(MIB / 8, ROUND_TRIP_MS + 100, ROUND_TRIP_MS)
      window.ended(MIB / 8)
      while (window.room > 0) window.asked(window.requestBytes)
    }
    while (!window.isEmpty) window.ended(1)
    assert.ok(window.room >= 1.7 * first, `${window.room}`)
  })

  test('is larger from the start for a far peer, who would else be kept waiting for round trips', () => {
    assert.ok(new RequestWindow(100).room > 3 * new RequestWindow(1).room)
    assert.ok(new RequestWindow(10_000).room <= 16 * MIB)
  })

  test('shrinks while answers queue up, down to half a MiB', () => {
    const window = new RequestWindow(1)
    for (let i = 0; i < 20; i++) round(window, 100)
    const rooms = Array.from({ length: 80 }, () => round(window, ROUND_TRIP_MS + 2000))
    assert.equal(rooms.at(-1), MIB / 2)
  })

  test('stays where it is when requests fail, or take neither long nor short', () => {
    const window = new RequestWindow(0)
    assert.equal(round(window, null), MIB)
    assert.equal(round(window, 2 * ROUND_TRIP_MS + 400), MIB)
  })

  test('is not moved by the small last requests of a transfer', () => {
    const window = new RequestWindow(0)
    for (let i = 0; i < 50; i++) {
      window.asked(1000)
      window.came(1000, 5, ROUND_TRIP_MS)
      window.ended(1000)
    }
    assert.equal(window.room, MIB)
  })

  test('makes no room for less than a request', () => {
    const window = new RequestWindow(0)
    window.asked(window.room - window.requestBytes + 1)
    assert.equal(window.room, 0)
  })
})
