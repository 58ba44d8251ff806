import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ListMaker } from '../../src/scan/list-maker.ts'
import { rootHash } from '../../src/sync/piece-list.ts'
import { isOurs, isSmall, MOST_SMALL_BYTES, provenList, smallList } from '../../src/sync/small-content.ts'
import { root } from './record-samples.ts'

/** As every other content is cut. */
function cut(bytes: Uint8Array) {
  const maker = new ListMaker(Buffer.alloc(1 << 20))
  maker.space().set(bytes)
  maker.took(bytes.byteLength)
  return maker.finish()
}

test('a small content is cut like every other', () => {
  const size = fc.oneof(fc.constantFrom(0, 1, 2_047, 2_048, 2_049, MOST_SMALL_BYTES), fc.nat(MOST_SMALL_BYTES))
  fc.assert(
    fc.property(size, fc.nat(255), (size, fill) => {
      const bytes = Buffer.alloc(size, fill)
      for (let i = 0; i < size; i += 64) bytes[i] = (fill * 31 + i * 7) & 255
      assert.ok(isSmall(size))
      assert.deepEqual(smallList(bytes), cut(bytes))
      assert.ok(cut(bytes).count <= 1)
    }),
  )
  assert.equal(isSmall(MOST_SMALL_BYTES + 1), false)
})

test('only its own bytes prove a content', () => {
  const bytes = Buffer.from('content')
  const name = rootHash(smallList(bytes))
  assert.deepEqual(provenList(name, bytes), smallList(bytes))
  assert.equal(provenList(name, Buffer.from('Content')), null)
  assert.equal(provenList(name, Buffer.from('content ')), null)
  assert.equal(provenList(name, Buffer.alloc(0)), null)
})

test('of all receivers exactly one fetches a content from its source, each about as many', () => {
  const receivers = ['a', 'b', 'c', 'd']
  const counts = new Map(receivers.map((receiver) => [receiver, 0]))
  for (let i = 0; i < 400; i++) {
    const name = root(i.toString(16).padStart(2, '0'))
    const ours = receivers.filter((self) =>
      isOurs(
        name,
        self,
        receivers.filter((other) => other !== self),
      ),
    )
    assert.equal(ours.length, 1)
    counts.set(ours[0]!, counts.get(ours[0]!)! + 1)
  }
  for (const count of counts.values()) assert.ok(count > 50 && count < 150, `${count} of 400`)
})
