import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Sequenced } from '../../src/db/index-port.ts'
import { LatestRecords } from '../../src/db/latest-records.ts'

const record = (path: string) => ({ path }) as unknown as Sequenced['record']

describe('LatestRecords', () => {
  const with3to5 = () => {
    const latest = new LatestRecords()
    for (const sequence of [3, 4, 5]) latest.add(sequence, record(`${sequence}`))
    return latest
  }
  const sequences = (found: readonly Sequenced[] | null) => found?.map(({ sequence }) => sequence) ?? null

  it('gives those that follow a sequence, as many as asked for', () => {
    const latest = with3to5()
    assert.deepEqual(sequences(latest.following(2, 2)), [3, 4])
    assert.deepEqual(sequences(latest.following(4, 9)), [5])
    assert.deepEqual(sequences(latest.following(5, 9)), [])
  })

  it('says that it does not know where some may have been stored before', () => {
    assert.equal(with3to5().following(1, 9), null)
    assert.equal(new LatestRecords().following(1, 9), null)
  })

  it('leaves out what was deleted, though it was all there was', () => {
    const latest = with3to5()
    latest.delete(4)
    latest.delete(17)
    assert.deepEqual(sequences(latest.following(2, 9)), [3, 5])
    for (const sequence of [3, 5]) latest.delete(sequence)
    assert.deepEqual(sequences(latest.following(2, 9)), [])
    latest.add(6, record('6'))
    assert.deepEqual(sequences(latest.following(5, 9)), [6])
  })

  it('keeps the last thousands, and knows nothing of those before', () => {
    const latest = new LatestRecords()
    for (let sequence = 1; sequence <= 10_000; sequence++) latest.add(sequence, record('a'))
    assert.equal(latest.following(100, 9), null)
    assert.deepEqual(sequences(latest.following(8_001, 2)), [8_002, 8_003])
    latest.forget()
    assert.equal(latest.following(9_999, 9), null)
  })
})
