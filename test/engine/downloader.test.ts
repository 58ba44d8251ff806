import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHex, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { Downloader } from '../../src/engine/downloader.ts'
import { type Root, type StagedFile } from '../../src/fs/root.ts'
import { type FolderMessage, type Peer } from '../../src/net/peer-port.ts'
import { type TransferNeeds } from '../../src/engine/transfer.ts'
import { rootHash, unpackPieceList } from '../../src/sync/piece-list.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

const list = unpackPieceList(0, new Uint8Array(0))
assert.ok(typeof list !== 'string')
const root = rootHash(list)

interface Bench {
  readonly peers: Set<Peer>
  readonly toInstall?: () => number
  readonly whole: (root: RootHash) => void
  readonly close?: () => Promise<void>
}

function downloaderOf({ peers, whole, toInstall = () => 0, close = () => Promise.resolve() }: Bench): Downloader {
  const staged = { stat: () => ({ size: 0 }), truncate: () => {}, sync: () => {}, close }
  const disk = { freeBytes: () => Infinity }
  return new Downloader({
    transfer: {
      disk: disk as unknown as Root,
      index: { findPiece: () => [], placesOf: () => [], replica: 'self' as ReplicaId },
      reader: { read: () => Promise.resolve(false), lend: () => Promise.resolve(null) },
      makeRoom: async () => false,
      inTurn: (_transfer, check) => check(),
      breathe: () => Promise.resolve(),
      sleep: () => Promise.resolve(),
      comingBytes: () => 0,
      elapsed: () => 0,
    },
    clock: systemClock,
    log: silentLog,
    peers: () => peers,
    alsoWanting: () => new Set(),
    isNear: () => true,
    gained: () => {},
    goalOf: () => ({
      pieceList: () => Promise.resolve(list as Exclude<typeof list, string>),
      open: async () => ({ staged: staged as unknown as StagedFile, pieces: null }),
      whole,
      failed: (_, error) => assert.fail(String(error)),
    }),
    peersMayHave: () => {},
    listTold: () => {},
    toInstall,
  })
}

/** A downloader that fetches the empty content; resolves when it lies whole in staging. */
async function whole(peers: Set<Peer>, toInstall = () => 0): Promise<Downloader> {
  return await new Promise((resolve) => {
    const downloader = downloaderOf({ peers, toInstall, whole: () => resolve(downloader) })
    downloader.fetch(root, { size: 0, rank: 0 })
  })
}

function peerHearing(heard: FolderMessage[]): Peer {
  return { replica: 'other', send: (message: FolderMessage) => heard.push(message) } as unknown as Peer
}

test('a peer that is there all the time hears that a content is wanted, and that it no longer is', async () => {
  const heard: FolderMessage[] = []
  await whole(new Set([peerHearing(heard)]))
  assert.deepEqual(
    heard.map((message) => message.type === 'want' && message.wanted),
    [true, false],
  )
})

test('a peer that comes when a content is whole, and not yet installed, is not asked for it', async () => {
  const heard: FolderMessage[] = []
  const downloader = await whole(new Set())
  downloader.up(peerHearing(heard))
  await downloader.drop(root)
  assert.deepEqual(heard, [])
})

test('what is dropped in the moment in which it becomes whole is taken back once, and not whole', async () => {
  const heard: FolderMessage[] = []
  const closes = Promise.withResolvers<void>()
  const closing = Promise.withResolvers<void>()
  const close = () => (closing.resolve(), closes.promise)
  const peers = new Set([peerHearing(heard)])
  const downloader = downloaderOf({ peers, close, whole: () => assert.fail('it is not wanted any more') })
  downloader.fetch(root, { size: 0, rank: 0 })
  await closing.promise
  const dropped = downloader.drop(root)
  closes.resolve()
  await dropped
  await systemClock.sleep(0)
  assert.deepEqual(
    heard.map((message) => message.type === 'want' && message.wanted),
    [true, false],
  )
})

test('no small content is begun while a thousand wait to be installed, and goes on by itself when they have been', async () => {
  let waiting = 1_000
  let came = false
  const coming = whole(new Set(), () => waiting).then(() => (came = true))
  await systemClock.sleep(0)
  assert.equal(came, false)
  waiting = 0
  await coming
})

/** A downloader of contents of 1 MB, whose lists no peer gives; `heard` is what the only peer is told. */
function withoutLists() {
  const heard: [RootHash, boolean][] = []
  const send = (message: FolderMessage) => void (message.type === 'want' && heard.push([message.root, message.wanted]))
  const peer = { replica: 'other', host: 'other', send } as unknown as Peer
  const clock = new VirtualClock()
  const never = (_root: RootHash, _size: number, signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
  const downloader = new Downloader({
    transfer: { elapsed: () => clock.elapsed() } as TransferNeeds,
    clock,
    log: silentLog,
    peers: () => [peer],
    alsoWanting: () => new Set(),
    isNear: () => true,
    gained: () => {},
    goalOf: () => ({
      pieceList: never,
      open: () => assert.fail('without a list'),
      whole: () => {},
      failed: (_, error) => assert.fail(String(error)),
    }),
    peersMayHave: () => {},
    listTold: () => {},
    toInstall: () => 0,
  })
  return { downloader, peer, clock, heard }
}

const named = (i: number): RootHash => fromHex(i.toString(16).padStart(64, '0'))
const MB = { size: 1e6, rank: 0 }

test('contents that no host has make room for others, are still wanted, and taken up when a host has them', async () => {
  const { downloader, peer, clock, heard } = withoutLists()
  const lost = Array.from({ length: 24 }, (_, i) => named(i))
  for (const one of lost) downloader.fetch(one, MB)
  const other = named(100)
  downloader.fetch(other, { size: 5e9, rank: 0 })
  assert.ok(!heard.some(([wanted]) => wanted === other), 'all places are taken')
  await clock.pass(12_000)
  assert.deepEqual(heard.at(-1), [other, true])
  assert.deepEqual(
    heard.filter(([, wanted]) => !wanted),
    [],
  )
  downloader.told(peer, { type: 'have', root: named(3), have: { all: true } })
  await clock.pass(0)
  assert.deepEqual(heard.at(-1), [named(3), true])
})

test('a content that no host has keeps its place while nobody waits for it, and is told of after a minute', async () => {
  const { downloader, clock, heard } = withoutLists()
  downloader.fetch(named(1), MB)
  await clock.pass(50_000)
  assert.deepEqual(downloader.missing(), [])
  await clock.pass(20_000)
  assert.deepEqual([downloader.missing(), downloader.transfers().length], [[named(1)], 1])
  await downloader.drop(named(1))
  await clock.pass(2_000)
  assert.deepEqual([downloader.missing(), heard.at(-1)], [[], [named(1), false]])
})

test('a parked content that is no longer wanted is told of as such, and not taken up again', async () => {
  const { downloader, peer, clock, heard } = withoutLists()
  for (let i = 0; i < 25; i++) downloader.fetch(named(i), MB)
  await clock.pass(12_000)
  await downloader.drop(named(5))
  assert.deepEqual(heard.at(-1), [named(5), false])
  downloader.told(peer, { type: 'have', root: named(5), have: { all: true } })
  await clock.pass(1_000)
  assert.deepEqual(heard.at(-1), [named(5), false])
})
