/** Only what a holder of the read-write secret has signed gets into an index, and who brings anything else is out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../src/base/clock.ts'
import { fromHex, type HostName } from '../../src/base/brand.ts'
import { silentLog } from '../../src/base/log.ts'
import { type FolderKeys, generateSecret, parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { type Change } from '../../src/db/index-port.ts'
import { RemoteChanges } from '../../src/engine/remote-changes.ts'
import { type Peer } from '../../src/net/peer-port.ts'
import { bodyBytes, signedBytes } from '../../src/sync/record-bytes.ts'
import { type RecordBody, type SignedRecord } from '../../src/sync/record.ts'
import { anyRecord, replica } from '../sync/record-samples.ts'

const secret = generateSecret()
const writer = keysOf(secret)
const reader = keysOf(readOnlySecret(secret))
const other = keysOf(generateSecret())

function keysOf(text: string): FolderKeys {
  const keys = parseSecret(text)
  assert.ok(typeof keys !== 'string')
  return keys
}

function signed(keys: FolderKeys, body: RecordBody, folder = writer.id): SignedRecord {
  const signature = keys.sign?.(signedBytes(folder, body))
  assert.ok(signature !== undefined)
  return { ...body, signature }
}

/** Gives one page to an empty index; what became of it. */
async function receive(records: readonly SignedRecord[], room?: () => Promise<void>) {
  const stored: Change[] = []
  const bans: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const remote = new RemoteChanges(
    { folder: reader.id },
    {
      index: {
        replica: replica('d'),
        entry: () => null,
        recordsOf: () => [],
        peerProgress: () => ({ received: 0, confirmed: 0 }),
      } as never,
      committer: { commit: async (decide) => void stored.push(...decide()) },
      verify: (bytes, signature) => reader.verify(bytes, signature),
      clock: systemClock,
      breathe: async () => {},
      ...(room === undefined ? {} : { room }),
      outdated: () => resolve(),
      changed: () => resolve(),
      log: silentLog,
    },
  )
  const peer = {
    host: 'a:1' as HostName,
    replica: replica('e'),
    send: () => {},
    ban: (why: string) => {
      bans.push(why)
      resolve()
    },
  } as unknown as Peer
  remote.received(peer, { type: 'records', after: 0, upTo: 1, records })
  await promise
  return { stored, bans }
}

test('what a writer has signed is stored, on a host that can only read too', async () => {
  await fc.assert(
    fc.asyncProperty(anyRecord, async (body) => {
      const { stored, bans } = await receive([signed(writer, body)])
      assert.deepEqual([stored.length, bans], [2, []])
    }),
    { numRuns: 200 },
  )
})

test('a forged record is not stored, nor is any of its page, and who sent it is shut out', async () => {
  const forgeries: Record<string, (body: RecordBody, changed: RecordBody, n: number) => SignedRecord> = {
    'of another field': (body, changed) => ({ ...changed, signature: signed(writer, body).signature }),
    'with a changed signature': (body, _changed, n) => {
      const { signature } = signed(writer, body)
      signature[n % 64] = (signature[n % 64] ?? 0) ^ (1 << (n % 8))
      return { ...body, signature }
    },
    'by another key': (body) => signed(other, body),
    'of another folder': (body) => signed(writer, body, other.id),
    'with an empty signature': (body) => ({ ...body, signature: new Uint8Array(64) }),
    'of no folder at all': (body) => signed(writer, body, fromHex('')),
  }
  for (const [name, forge] of Object.entries(forgeries))
    await fc.assert(
      fc.asyncProperty(anyRecord, anyRecord, anyRecord, fc.nat(), async (good, body, changed, n) => {
        fc.pre(!Buffer.from(bodyBytes(body)).equals(Buffer.from(bodyBytes(changed))))
        const { stored, bans } = await receive([signed(writer, good), forge(body, changed, n)])
        assert.deepEqual(stored, [], name)
        assert.match(bans[0] ?? '', /signature is not by a holder of the read-write secret/, name)
      }),
      { numRuns: 200 },
    )
})

test('records are taken only when there is room for what they want', async () => {
  const { promise: hasRoom, resolve } = Promise.withResolvers<void>()
  let taken = false
  const [body] = fc.sample(anyRecord, 1)
  assert.ok(body !== undefined)
  const received = receive([signed(writer, body)], () => hasRoom).then(() => (taken = true))
  await new Promise(setImmediate)
  assert.equal(taken, false)
  resolve()
  await received
})
