/** An index that was restored from an older copy is noticed by what peers know of it, before anything of it is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { fromHex, type ReplicaId } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { openIndexDatabase } from '../../src/db/open.ts'
import { Announcer } from '../../src/engine/announcer.ts'
import { RemoteChanges } from '../../src/engine/remote-changes.ts'
import { type FolderMessage, type Peer } from '../../src/net/peer-port.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { type Version } from '../../src/sync/version.ts'
import { fileEntry, fileRecord, folderNamed, path, replicaNamed, signatureNamed } from '../db/index-samples.ts'

const OURS = fromHex<ReplicaId>('00'.repeat(7) + 'aa')
const THEIRS = replicaNamed('b')

/** An index that has changed f once, with counter 5; and all that is built over it. */
function setup() {
  const folder = openIndexDatabase(':memory:', { randomBytes: () => Buffer.from(OURS, 'hex') }).folder(folderNamed('x'))
  const version: Version = [[OURS, 5]]
  folder.commit([
    { op: 'records', path: path('f'), records: [{ ...fileRecord('f', '1'), version, author: OURS }] },
    { op: 'entry', entry: { ...fileEntry('f', '1'), version } },
  ])
  const outdated: string[] = []
  const sent: FolderMessage[] = []
  const giveUp = (why: string) => void outdated.push(why)
  const peer = { host: 'b:1', replica: THEIRS, writer: true, send: (m: FolderMessage) => void sent.push(m) }
  const announcer = new Announcer({ index: folder, outdated: giveUp })
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const remote = new RemoteChanges(
    { folder: folderNamed('x') },
    {
      index: folder,
      committer: { commit: async (decide) => folder.commit(decide()) },
      verify: () => true,
      clock: systemClock,
      breathe: async () => {},
      outdated: (why) => (giveUp(why), resolve()),
      changed: () => resolve(),
      log: silentLog,
    },
  )
  const receive = async (record: SignedRecord) => {
    remote.received(peer as unknown as Peer, { type: 'records', after: 0, upTo: 1, records: [record] })
    await done
  }
  return { folder, announcer, peer: peer as unknown as Peer, receive, outdated, sent }
}

/** What another made of f, knowing our changes up to `counter`. */
const made = (counter: number): SignedRecord => ({
  ...fileRecord('f', '2'),
  version: [[OURS, counter], [THEIRS, 9]].sort() as unknown as Version,
  author: THEIRS,
  signature: signatureNamed(`theirs ${counter}`),
}) // prettier-ignore

test('a record that builds on what we said, and know, is stored', async () => {
  const { folder, receive, outdated } = setup()
  await receive(made(5))
  assert.deepEqual(outdated, [])
  assert.equal(folder.recordsOf(path('f'))[0]?.author, THEIRS)
})

test('a record that builds on a change of ours which we do not know gives the index up, and is not stored', async () => {
  const { folder, receive, outdated } = setup()
  await receive(made(6))
  assert.match(outdated.join(), /^b:1 knows a change of f by this index that the index does not$/)
  assert.equal(folder.recordsOf(path('f'))[0]?.author, OURS)
  assert.equal(folder.peerProgress(THEIRS).received, 0)
})

test('a record of our own that we do not know is the same', async () => {
  const { receive, outdated } = setup()
  await receive({ ...fileRecord('g', '3'), version: [[OURS, 1]], author: OURS })
  assert.equal(outdated.length, 1)
})

test('what a peer has stored of this life is believed; of more than any life told, not', () => {
  const { folder, announcer, peer, outdated, sent } = setup()
  announcer.asked(peer, 1)
  assert.deepEqual([outdated, sent], [[], []])
  folder.commit([{ op: 'records', path: path('h'), records: [fileRecord('h', '4')] }])
  announcer.push()
  announcer.asked(peer, 2)
  assert.deepEqual(outdated, [])
  folder.commit([{ op: 'records', path: path('i'), records: [fileRecord('i', '5')] }])
  announcer.asked(peer, 3)
  assert.equal(outdated.length, 1, 'the third has not been told to anyone')
})

test('a peer that comes back gets its own records too: it may have forgotten them; one that listens does not', () => {
  const { folder, announcer, peer, sent } = setup()
  const theirs = (at: string) => ({ ...fileRecord(at, at), version: [[THEIRS, 1]] as Version, author: THEIRS })
  folder.commit([{ op: 'records', path: path('before'), records: [theirs('before')] }])
  announcer.asked(peer, 0)
  folder.commit([{ op: 'records', path: path('now'), records: [theirs('now')] }])
  announcer.push()
  const paths = sent.map((m) => (m.type === 'records' ? m.records.map((record) => record.path) : []))
  assert.deepEqual(paths, [['f', 'before'], []])
})
