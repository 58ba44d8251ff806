import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { framed, FrameReader } from '../../src/net/frame-reader.ts'

function readAll(reader: FrameReader, bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength;) at += reader.read(bytes.subarray(at), (frame) => frames.push(frame))
  return frames
}

test('messages come out as they went in, however the stream is cut', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })
  fc.assert(
    fc.property(messages, fc.integer({ min: 1, max: 50 }), (frames, step) => {
      const stream = Buffer.concat(frames.map(framed))
      const reader = new FrameReader({ maxBytes: 300 })
      const out: Uint8Array[] = []
      for (let at = 0; at < stream.byteLength; at += step) out.push(...readAll(reader, stream.subarray(at, at + step)))
      assert.deepEqual(
        out.map((frame) => Buffer.from(frame)),
        frames.map((frame) => Buffer.from(frame)),
      )
    }),
  )
})

test('a length over the bound is refused before anything is allocated', () => {
  const cases = [
    ['one byte too many', framed(new Uint8Array(301))],
    ['4 GiB', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)],
    ['a length without end', new Uint8Array(12).fill(0x80)],
  ] as const
  for (const [name, bytes] of cases)
    assert.throws(() => readAll(new FrameReader({ maxBytes: 300 }), bytes), /longer than the 300 bytes/, name)
})

test('reading stops after each message, so that the next may have another bound', () => {
  const reader = new FrameReader({ maxBytes: 10 })
  const stream = Buffer.concat([framed(new Uint8Array(10)), framed(new Uint8Array(100))])
  const at = reader.read(stream, () => reader.allow(100))
  assert.equal(at, 11)
  assert.equal(readAll(reader, stream.subarray(at)).length, 1)
})
