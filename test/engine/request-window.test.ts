import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RequestWindow } from '../../src/engine/request-window.ts'

const MIB = 1 << 20
const ROUND_TRIP_MS = 80

/** Fills the window with requests, then lets all end after `tookMs`; gives the room of the empty window. */
function round(window: RequestWindow, tookMs: number | null): number {
  const asked: number[] = []
  while (window.room > 0) {
    asked.push(window.requestBytes)
    window.asked(window.requestBytes)
  }
  for (const bytes of asked) window.ended(bytes, tookMs, ROUND_TRIP_MS)
  return window.room
}

describe('the window of one peer', () => {
  test('grows while full windows are answered soon, up to 16 MiB', () => {
    const window = new RequestWindow()
    const rooms = Array.from({ length: 80 }, () => round(window, ROUND_TRIP_MS + 100))
    assert.ok((rooms[3] ?? 0) > MIB)
    assert.equal(rooms.at(-1), 16 * MIB)
  })

  test('shrinks while answers queue up, down to half a MiB', () => {
    const window = new RequestWindow()
    for (let i = 0; i < 20; i++) round(window, 100)
    const rooms = Array.from({ length: 40 }, () => round(window, ROUND_TRIP_MS + 2000))
    assert.equal(rooms.at(-1), MIB / 2)
  })

  test('stays where it is when requests fail, or take neither long nor short', () => {
    const window = new RequestWindow()
    assert.equal(round(window, null), MIB)
    assert.equal(round(window, ROUND_TRIP_MS + 400), MIB)
  })

  test('is not moved by the small last requests of a transfer', () => {
    const window = new RequestWindow()
    for (let i = 0; i < 50; i++) {
      window.asked(1000)
      window.ended(1000, 5, ROUND_TRIP_MS)
    }
    assert.equal(window.room, MIB)
  })
})
