import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ReplicaId } from '../../src/base/brand.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { Downloader } from '../../src/engine/downloader.ts'
import { type Root, type StagedFile } from '../../src/fs/root.ts'
import { type FolderMessage, type Peer } from '../../src/net/peer-port.ts'
import { rootHash, unpackPieceList } from '../../src/sync/piece-list.ts'

const list = unpackPieceList(0, new Uint8Array(0))
assert.ok(typeof list !== 'string')
const root = rootHash(list)

/** A downloader that fetches the empty content; resolves when it lies whole in staging. */
async function whole(peers: Set<Peer>, toInstall = () => 0): Promise<Downloader> {
  const staged = { stat: () => ({ size: 0 }), truncate: () => {}, sync: () => {}, close: () => {} }
  const disk = { openStaged: () => staged as unknown as StagedFile, freeBytes: () => Infinity }
  return await new Promise((resolve) => {
    const downloader = new Downloader({
      transfer: {
        disk: disk as unknown as Root,
        index: { findPiece: () => [], placesOf: () => [], replica: 'self' as ReplicaId },
        reader: { read: () => Promise.resolve(false), lend: () => Promise.resolve(null) },
        pieceList: () => Promise.resolve(list as Exclude<typeof list, string>),
        breathe: () => Promise.resolve(),
        elapsed: () => 0,
      },
      clock: systemClock,
      log: silentLog,
      peers: () => peers,
      alsoWanting: () => new Set(),
      isNear: () => true,
      gained: () => {},
      whole: () => resolve(downloader),
      failed: (_, error) => assert.fail(String(error)),
      peersMayHave: () => {},
      listTold: () => {},
      toInstall,
    })
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

test('no small content is begun while a thousand wait to be installed, and goes on by itself when they have been', async () => {
  let waiting = 1_000
  let came = false
  const coming = whole(new Set(), () => waiting).then(() => (came = true))
  await systemClock.sleep(0)
  assert.equal(came, false)
  waiting = 0
  await coming
})
