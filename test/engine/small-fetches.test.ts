import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HostName, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { SmallFetches } from '../../src/engine/small-fetches.ts'
import { type FolderMessage, type Peer, PeerGone, PieceRefused } from '../../src/net/peer-port.ts'
import { isOurs, smallList } from '../../src/sync/small-content.ts'
import { rootHash } from '../../src/sync/piece-list.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const SELF = 'self' as ReplicaId

interface Content {
  readonly root: RootHash
  readonly bytes: Buffer
}

function contentOf(text: string): Content {
  const bytes = Buffer.from(text)
  return { root: rootHash(smallList(bytes)), bytes }
}

type Serve = (roots: readonly RootHash[], receive: (i: number, bytes: Uint8Array) => Promise<void>) => Promise<void>

/** A peer that notes what it hears and is asked for, and gives what the test says. */
class FakePeer {
  readonly wanted = new Set<RootHash>()
  readonly asked: (readonly RootHash[])[] = []
  readonly bans: string[] = []
  silent = 0
  /** Times that it heard of something wanted. */
  heard = 0
  serve: Serve
  readonly peer: Peer

  constructor(name: string, contents: readonly Content[]) {
    this.serve = async (roots, receive) => {
      for (const [i, root] of roots.entries()) {
        const content = contents.find((one) => one.root === root)
        if (content === undefined) throw new PieceRefused('not here')
        await receive(i, content.bytes)
      }
    }
    this.peer = {
      host: name as HostName,
      replica: name as ReplicaId,
      silentMs: () => this.silent,
      send: (message: FolderMessage) => this.#heard(message),
      fetchContents: async (roots: readonly RootHash[], _: unknown, receive: never, signal: AbortSignal) => {
        this.asked.push(roots)
        const aborted = new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        })
        await Promise.race([this.serve(roots, receive), aborted])
      },
      ban: (reason: string) => void this.bans.push(reason),
    } as unknown as Peer
  }

  #heard(message: FolderMessage): void {
    assert.ok(message.type === 'small-want')
    for (const root of message.roots) {
      if (message.wanted) this.heard++
      if (message.wanted) this.wanted.add(root)
      else this.wanted.delete(root)
    }
  }
}

function setup(...peers: FakePeer[]) {
  const clock = new VirtualClock()
  const whole: RootHash[] = []
  const failed: RootHash[] = []
  const here = new Map<RootHash, Buffer>()
  const disk = { free: Infinity, freeBytes: () => Promise.resolve(disk.free) }
  const receivers = new Set<Peer>()
  const small = new SmallFetches({
    disk,
    index: {
      replica: SELF,
      pieceList: (root) => (here.has(root) ? smallList(here.get(root) ?? Buffer.alloc(0)) : null),
    },
    reader: { read: async (root, _offset, _hash, into) => (here.get(root)?.copy(into) ?? 0) > 0 },
    peers: () => peers.map(({ peer }) => peer),
    alsoWanting: () => receivers,
    isNear: () => true,
    whole: (root) => whole.push(root),
    failed: (root) => failed.push(root),
    clock,
    log: silentLog,
  })
  const fetch = (...contents: readonly Content[]) => {
    for (const { root, bytes } of contents) small.fetch(root, { size: bytes.byteLength, rank: 0 })
  }
  return { small, clock, whole, failed, here, disk, receivers, fetch }
}

const MANY = Array.from({ length: 500 }, (_, i) => contentOf(`content ${i}`))
const ROOTS = MANY.map(({ root }) => root)
const [ONE, TWO] = MANY as [Content, Content]

test('many contents are wanted in one message and come with few requests', async () => {
  const source = new FakePeer('source', MANY)
  const { small, clock, whole, fetch } = setup(source)
  fetch(...MANY)
  await clock.pass(20)
  assert.equal(source.wanted.size, MANY.length)
  small.told(source.peer, ROOTS)
  await clock.pass(20)
  assert.deepEqual(new Set(whole), new Set(ROOTS))
  assert.ok(source.asked.length < 10, `${source.asked.length} requests`)
  assert.deepEqual(small.bytesOf(ONE.root), Buffer.from(ONE.bytes))
  assert.equal(source.wanted.size, 0, 'what has come is no longer wanted')
})

test('only so many are under way or held at a time; when some have been installed others follow', async () => {
  const contents = Array.from({ length: 2_500 }, (_, i) => contentOf(`content ${i}`))
  const source = new FakePeer('source', contents)
  const { small, clock, whole, fetch } = setup(source)
  fetch(...contents)
  await clock.pass(20)
  small.told(source.peer, [...source.wanted])
  await clock.pass(1_000)
  assert.equal(whole.length, 1_000)
  for (const root of whole.slice()) small.drop(root)
  await clock.pass(20)
  assert.equal(source.wanted.size, 1_000)
})

test('what lies here already, and what is empty, is asked of nobody', async () => {
  const source = new FakePeer('source', MANY)
  const { clock, whole, here, fetch } = setup(source)
  here.set(ONE.root, ONE.bytes)
  const empty = contentOf('')
  fetch(ONE, empty)
  await clock.pass(20)
  assert.deepEqual(new Set(whole), new Set([ONE.root, empty.root]))
  assert.equal(source.wanted.size, 0)
})

test('who sends other bytes three times is shut out, and none of them is taken', async () => {
  const liar = new FakePeer('liar', [])
  liar.serve = async (roots, receive) => {
    for (const i of roots.keys()) await receive(i, Buffer.from('something else'))
  }
  const { small, clock, whole, fetch } = setup(liar)
  fetch(...MANY.slice(0, 3))
  await clock.pass(20)
  small.told(liar.peer, ROOTS)
  await clock.pass(20)
  assert.equal(liar.bans.length, 1)
  assert.deepEqual(whole, [])
})

test('one that a peer cannot give holds up no other, and is asked for of those who have it', async () => {
  const [poor, rich] = [new FakePeer('poor', MANY.slice(1)), new FakePeer('rich', MANY)]
  const { small, clock, whole, fetch } = setup(poor, rich)
  fetch(...MANY)
  await clock.pass(20)
  small.told(poor.peer, ROOTS)
  await clock.pass(1_000)
  assert.equal(whole.length, MANY.length - 1)
  small.told(rich.peer, [ONE.root])
  await clock.pass(20)
  assert.equal(whole.length, MANY.length)
})

test('a peer that goes, or sends nothing for seconds, is passed over where another has it', async () => {
  const never: Serve = () => new Promise(() => {})
  const [silent, going, other] = [
    new FakePeer('silent', []),
    new FakePeer('going', []),
    new FakePeer('other', [ONE, TWO]),
  ]
  silent.serve = never
  silent.silent = 60_000
  going.serve = () => Promise.reject(new PeerGone('gone'))
  const { small, clock, whole, fetch } = setup(silent, going, other)
  fetch(ONE, TWO)
  await clock.pass(20)
  small.told(silent.peer, [ONE.root])
  small.told(going.peer, [TWO.root])
  await clock.pass(20)
  small.gone(going.peer)
  small.told(other.peer, [ONE.root, TWO.root])
  await clock.pass(4_000)
  assert.deepEqual(whole, [TWO.root])
  await clock.pass(4_000)
  assert.deepEqual(whole, [TWO.root, ONE.root])
})

test('a peer that was passed over is asked anew what it has: the others may not have it for long', async () => {
  const [late, poor] = [new FakePeer('late', [ONE]), new FakePeer('poor', [])]
  const { serve } = late
  late.serve = () => new Promise(() => {})
  late.silent = 60_000
  const { small, clock, whole, fetch } = setup(late, poor)
  fetch(ONE)
  await clock.pass(20)
  small.told(late.peer, [ONE.root])
  await clock.pass(20)
  small.told(poor.peer, [ONE.root])
  await clock.pass(7_000)
  assert.equal(poor.asked.length, 1)
  late.serve = serve
  await clock.pass(5_000)
  assert.equal(late.heard, 2)
  small.told(late.peer, [ONE.root])
  await clock.pass(20)
  assert.deepEqual(whole, [ONE.root])
})

test('what only the source has is fetched by one of the receivers, and by the others when that one takes long', async () => {
  const source = new FakePeer('source', MANY)
  const receiver = new FakePeer('receiver', MANY)
  const { small, clock, whole, receivers, fetch } = setup(source, receiver)
  receivers.add(receiver.peer)
  fetch(...MANY.slice(0, 100))
  await clock.pass(20)
  small.told(source.peer, ROOTS)
  await clock.pass(20)
  const ours = ROOTS.slice(0, 100).filter((root) => isOurs(root, SELF, ['receiver']))
  assert.deepEqual(new Set(whole), new Set(ours))
  assert.ok(ours.length > 20 && ours.length < 80, `${ours.length} are ours`)
  const theirs = ROOTS.slice(0, 100).find((root) => !ours.includes(root))
  assert.ok(theirs !== undefined)
  small.told(receiver.peer, [theirs])
  await clock.pass(20)
  assert.deepEqual(receiver.asked, [[theirs]])
  await clock.pass(1_000)
  assert.equal(whole.length, 100)
})

test('as long as other receivers tell of what they got, the source is not asked for what is theirs, up to a bound', async () => {
  const [source, receiver] = [new FakePeer('source', MANY), new FakePeer('receiver', MANY)]
  const { small, clock, whole, receivers, fetch } = setup(source, receiver)
  receivers.add(receiver.peer)
  fetch(...MANY)
  await clock.pass(20)
  small.told(source.peer, ROOTS)
  const theirs = ROOTS.filter((root) => !isOurs(root, SELF, ['receiver']))
  for (const root of theirs.slice(0, 15)) {
    await clock.pass(300)
    small.told(receiver.peer, [root])
  }
  assert.equal(source.asked.flat().length, MANY.length - theirs.length)
  await clock.pass(1_000)
  assert.equal(whole.length, MANY.length)
})

test('a host that has not said yet whether it wants a content counts as a receiver; one that has it does not', async () => {
  const [source, silent, second] = [
    new FakePeer('source', MANY),
    new FakePeer('silent', []),
    new FakePeer('second', MANY),
  ]
  const { small, clock, whole, fetch } = setup(source, silent, second)
  fetch(...MANY.slice(0, 100))
  await clock.pass(20)
  small.told(second.peer, ROOTS.slice(0, 100))
  small.told(source.peer, ROOTS.slice(0, 100))
  await clock.pass(20)
  const ours = ROOTS.slice(0, 100).filter((root) => isOurs(root, SELF, ['silent']))
  assert.deepEqual(new Set(whole), new Set(ours))
  await clock.pass(1_000)
  assert.equal(whole.length, 100)
})

test('paused, it wants nothing; resumed, it wants what has not come', async () => {
  const source = new FakePeer('source', MANY)
  const { small, clock, whole, fetch } = setup(source)
  fetch(ONE, TWO)
  await clock.pass(20)
  small.told(source.peer, [ONE.root])
  await clock.pass(20)
  small.pause()
  await clock.pass(20)
  assert.equal(source.wanted.size, 0)
  assert.ok(small.bytesOf(ONE.root) !== null)
  small.resume()
  await clock.pass(20)
  assert.deepEqual([...source.wanted], [TWO.root])
  small.told(source.peer, [TWO.root])
  await clock.pass(20)
  assert.deepEqual(whole, [ONE.root, TWO.root])
})

test('what is given up and wanted again in one breath is told of again, as peers answer only then', async () => {
  const source = new FakePeer('source', MANY)
  const { small, clock, whole, fetch } = setup(source)
  fetch(ONE)
  await clock.pass(20)
  source.heard = 0
  small.drop(ONE.root)
  fetch(ONE)
  await clock.pass(20)
  assert.equal(source.heard, 1)
  small.told(source.peer, [ONE.root])
  await clock.pass(20)
  assert.deepEqual(whole, [ONE.root])
})

test('a full disk is told of before anything is fetched', async () => {
  const source = new FakePeer('source', MANY)
  const { small, clock, disk, failed, fetch } = setup(source)
  disk.free = 5
  fetch(ONE)
  await clock.pass(20)
  assert.deepEqual(failed, [ONE.root])
  assert.equal(small.bytesOf(ONE.root), null)
})

test('a peer that comes later hears of all that is still wanted', async () => {
  const source = new FakePeer('source', MANY)
  const { small, clock, fetch } = setup()
  fetch(ONE, TWO)
  await clock.pass(20)
  small.up(source.peer)
  assert.deepEqual(source.wanted, new Set([ONE.root, TWO.root]))
})

test('what no host has makes room for others, stays wanted, is told of after a minute, and comes when a host has it', async () => {
  const lost = Array.from({ length: 1_000 }, (_, i) => contentOf(`lost ${i}`))
  const source = new FakePeer('source', [...lost, ONE])
  const { small, clock, whole, fetch } = setup(source)
  fetch(...lost, ONE)
  await clock.pass(1_000)
  assert.equal(source.wanted.has(ONE.root), false, 'all places are taken')
  await clock.pass(11_000)
  assert.equal(source.wanted.size, 1_001)
  small.told(source.peer, [ONE.root])
  await clock.pass(1_000)
  assert.deepEqual(whole, [ONE.root])
  await clock.pass(60_000)
  assert.equal(small.missing().length, 1_000)
  const [again, never] = lost as [Content, Content]
  small.told(source.peer, [again.root])
  small.drop(never.root)
  await clock.pass(1_000)
  assert.deepEqual([whole, source.wanted.size, small.missing().length], [[ONE.root, again.root], 998, 998])
})

test('who could not give what it has is asked anew also where others have got the room meanwhile', async () => {
  const lost = Array.from({ length: 2_500 }, (_, i) => contentOf(`lost ${i}`))
  const source = new FakePeer('source', [ONE])
  const { promise, reject } = Promise.withResolvers<void>()
  const { serve } = source
  source.serve = () => promise
  const { small, clock, whole, fetch } = setup(source)
  fetch(ONE, ...lost)
  await clock.pass(20)
  small.told(source.peer, [ONE.root])
  await clock.pass(12_000)
  reject(new PieceRefused('unreadable for now'))
  await clock.pass(1_000)
  assert.equal(small.has(ONE.root), false)
  source.wanted.delete(ONE.root)
  source.serve = serve
  await clock.pass(5_000)
  assert.ok(source.wanted.has(ONE.root))
  small.told(source.peer, [ONE.root])
  await clock.pass(20)
  assert.deepEqual(whole, [ONE.root])
})
