import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { PieceRequests } from '../../src/engine/piece-requests.ts'
import { type Transfer } from '../../src/engine/transfer.ts'
import { type Peer } from '../../src/net/peer-port.ts'
import { PiecePicker } from '../../src/sync/piece-picker.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const PIECE_BYTES = 128 << 10
const PIECES = 200
const ROOT = 'ab'.repeat(32) as RootHash

/** A peer that sends at `bytesPerMs`, in portions far smaller than a piece, and stops while it is `stuck`. */
class SlowPeer {
  readonly asked: number[] = []
  stuck = false
  bytesPerMs: number
  readonly peer: Peer
  readonly #clock: VirtualClock
  #heardMs = 0
  #tail: Promise<void> = Promise.resolve()

  constructor(name: string, bytesPerMs: number, clock: VirtualClock) {
    this.#clock = clock
    this.bytesPerMs = bytesPerMs
    this.peer = {
      host: name,
      replica: name as ReplicaId,
      rttMs: () => 1,
      silentMs: () => clock.elapsed() - this.#heardMs,
      fetchPieces: (...request: Parameters<Peer['fetchPieces']>) => this.#fetch(...request),
      ban: () => {},
    } as unknown as Peer
  }

  #fetch(...[, ordinals, lengths, receive, signal]: Parameters<Peer['fetchPieces']>): Promise<void> {
    this.asked.push(...ordinals)
    const before = this.#tail
    const work = async () => {
      await before
      for (const [i, ordinal] of ordinals.entries()) {
        await this.#send(lengths[i] ?? 0, signal)
        await receive(ordinal, new Uint8Array(lengths[i] ?? 0))
      }
    }
    const done = work()
    this.#tail = done.catch(() => {})
    return done
  }

  async #send(bytes: number, signal: AbortSignal): Promise<void> {
    for (let left = bytes; left > 0;) {
      await this.#clock.sleep(100, signal)
      if (this.stuck) continue
      this.#heardMs = this.#clock.elapsed()
      left -= 100 * this.bytesPerMs
    }
  }
}

describe('a peer that was asked for pieces', () => {
  let clock: VirtualClock
  let transfer: Transfer
  let requests: PieceRequests
  let all: SlowPeer[]
  /** When the log said that somebody is passed over. */
  let warnedMs: number[]

  beforeEach(() => {
    clock = new VirtualClock()
    all = []
    warnedMs = []
    const log = { ...silentLog, warn: () => void warnedMs.push(clock.elapsed()) }
    const picker = new PiecePicker({ count: PIECES, lengthOf: () => PIECE_BYTES, self: 'us', seed: ROOT })
    const { signal } = new AbortController()
    transfer = {
      root: ROOT,
      picker,
      lengthOf: () => PIECE_BYTES,
      signal,
      receive: async () => true,
    } as unknown as Transfer
    const ask = (peer: Peer) => void requests.ask(transfer, peer)
    const noted = { got: () => {}, refused: () => {}, failed: () => {} }
    requests = new PieceRequests({ clock, log, room: ask, ...noted })
  })

  function add(name: string, bytesPerMs: number): SlowPeer {
    const slow = new SlowPeer(name, bytesPerMs, clock)
    all.push(slow)
    transfer.picker?.peerHas(slow.peer.replica, { all: true })
    requests.ask(transfer, slow.peer)
    return slow
  }

  /** As the downloader does, again and again. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      for (const { peer } of all) requests.ask(transfer, peer)
      await clock.pass(250)
    }
  }

  test('and does not send a byte is passed over within five seconds: the other is asked for its pieces, busy as it is', async () => {
    const silent = add('silent', 0)
    silent.stuck = true
    assert.ok(silent.asked.length > 0)
    const good = add('good', 1_000)
    await pass(4_000)
    assert.ok(!silent.asked.some((ordinal) => good.asked.includes(ordinal)))
    await pass(4_500)
    assert.ok((warnedMs[0] ?? Infinity) < 5_000, `passed over at ${warnedMs[0]} ms`)
    assert.ok(transfer.picker!.missing > 0, 'the other has enough to do')
    assert.ok(silent.asked.every((ordinal) => good.asked.includes(ordinal)))
  })

  test('and does not send a byte holds up no end: the other is asked before it runs dry', async () => {
    const silent = add('silent', 0)
    silent.stuck = true
    add('good', 12_800)
    while (transfer.picker!.missing > 0 && clock.elapsed() < 60_000) await pass(250)
    const alone = PIECES * 100 // a piece each time that it sends
    assert.ok(clock.elapsed() <= 1.03 * alone, `${clock.elapsed()} ms, and ${alone} without the other`)
  })

  test('is not asked for more before it delivers again, and then is', async () => {
    const silent = add('silent', 100)
    silent.stuck = true
    await pass(6_000)
    const before = silent.asked.length
    await pass(10_000)
    assert.equal(silent.asked.length, before)
    silent.stuck = false
    await pass(300_000)
    assert.equal(transfer.picker?.missing, 0, 'what it was asked for is taken although it is late')
    assert.equal(new Set(silent.asked).size, silent.asked.length, 'nothing was asked of it twice')
  })

  test('over a slow uplink is not passed over: a piece takes longer than five seconds, bytes come all the time', async () => {
    const slow = add('slow', 15) // 128 KiB take almost 9 s
    await pass(20_000)
    const other = add('other', 15)
    await pass(1_000)
    assert.ok(!other.asked.some((ordinal) => slow.asked.includes(ordinal)))
  })

  test('and whose disk stalls for a few seconds is not passed over', async () => {
    const stalling = add('stalling', 100)
    const other = add('other', 10)
    await pass(500)
    stalling.stuck = true
    await pass(4_000)
    stalling.stuck = false
    await pass(5_000)
    assert.ok(!other.asked.some((ordinal) => stalling.asked.includes(ordinal)))
  })

  test('and is late again and again is left alone for longer each time', async () => {
    const bad = add('bad', 1_000)
    const stops: number[] = []
    for (let i = 0; i < 4; i++) {
      bad.stuck = true
      await pass(6_000)
      const [before, sinceMs] = [bad.asked.length, clock.elapsed()]
      bad.bytesPerMs = 1 // a byte now and then
      bad.stuck = false
      while (bad.asked.length === before && clock.elapsed() - sinceMs < 100_000) {
        bad.bytesPerMs = bad.bytesPerMs === 1 ? 1_400 : 1
        await pass(500)
      }
      stops.push(clock.elapsed() - sinceMs)
    }
    assert.ok(stops[0]! < 2_000, `${stops.join(', ')}`)
    assert.ok(stops[1]! > 3_000 && stops[2]! > stops[1]! * 1.5, `${stops.join(', ')}`)
  })
})
