/**
 * Speed of the wire alone: two processes on loopback, pieces of 128 KiB from memory through `fetchPieces`, nothing
 * hashed, nothing on disk. Prints one JSON line. `node bench/wire.ts [GB]`; WIRE_ARGS adds flags for both processes.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type ReplicaId, type RootHash } from '../src/base/brand.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { parseSecret } from '../src/base/secret.ts'
import { type FolderLink, startNetwork } from '../src/net/network.ts'
import { type FolderHandlers, type Peer } from '../src/net/peer-port.ts'

const PIECE_BYTES = 128 * 1024
const PIECES_PER_REQUEST = 8
const REQUESTS_AT_A_TIME = 8
const SECRET = 'A772LBOVTO5FV5UF3LZCNJWM4W675VFY7ODA25INP6BZRX4ECC7VXHNHIBQ'
const ROOT = 'ab'.repeat(32) as RootHash
const FLAGS = ['--external-memory-accounted-in-global-limit', '--initial-old-space-size=96']

interface Figures {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly rssBytes: number
}

const [role = 'bench', gigabytes = '2', port = '0'] = process.argv[2]?.match(/^(source|sink)$/)
  ? process.argv.slice(2)
  : ['bench', process.argv[2] ?? '2']
if (role === 'bench') await bench(Number(gigabytes))
else if (role === 'source') await source()
else await sink(Number(gigabytes), Number(port))

async function bench(gb: number): Promise<void> {
  const from = start('source', String(gb))
  const [fromPort] = (await once(from, 'message')) as [number]
  const to = start('sink', String(gb), String(fromPort))
  const [figures] = (await once(to, 'message')) as [Figures]
  from.send('figures')
  const [sender] = (await once(from, 'message')) as [Figures]
  from.disconnect()
  to.disconnect()
  const mb = 1e6
  console.log(
    JSON.stringify({
      bench: 'wire',
      gigabytes: gb,
      mbPerS: Math.round((gb * 1000) / figures.seconds),
      cpuSPerGb: round((figures.cpuSeconds + sender.cpuSeconds) / gb),
      senderCpuSPerGb: round(sender.cpuSeconds / gb),
      receiverCpuSPerGb: round(figures.cpuSeconds / gb),
      senderRssMb: Math.round(sender.rssBytes / mb),
      receiverRssMb: Math.round(figures.rssBytes / mb),
    }),
  )
}

function start(...args: string[]): ChildProcess {
  const extra = (process.env[`WIRE_ARGS_${args[0]}`] ?? process.env['WIRE_ARGS'] ?? '').split(' ').filter(Boolean)
  return fork(import.meta.filename, args, { execArgv: [...FLAGS, ...extra] })
}

async function source(): Promise<void> {
  const bytes = Buffer.alloc(PIECE_BYTES, 7)
  const { network } = await open(1, [], { servePiece: async () => ({ bytes, release: () => {} }) })
  process.send?.(network.port)
  await once(process, 'message')
  process.send?.(figures(0, 0))
  await once(process, 'disconnect')
  process.exit()
}

async function sink(gb: number, fromPort: number): Promise<void> {
  const up = Promise.withResolvers<Peer>()
  await open(2, [`127.0.0.1:${fromPort}`], { up: up.resolve })
  const peer = await up.promise
  const cpuBefore = cpuSeconds()
  const begun = performance.now()
  let left = Math.round((gb * 1e9) / PIECE_BYTES / PIECES_PER_REQUEST)
  let received = 0
  const ordinals = Array.from({ length: PIECES_PER_REQUEST }, (_, i) => i)
  const lengths = ordinals.map(() => PIECE_BYTES)
  const signal = new AbortController().signal
  const take = async (_ordinal: number, bytes: Uint8Array) => void (received += bytes.byteLength)
  const lane = async () => {
    while (left-- > 0) await peer.fetchPieces(ROOT, ordinals, lengths, take, signal)
  }
  await Promise.all(Array.from({ length: REQUESTS_AT_A_TIME }, lane))
  if (received < gb * 0.999e9) throw new Error('not all bytes have come')
  process.send?.(figures((performance.now() - begun) / 1000, cpuBefore))
  await once(process, 'disconnect')
  process.exit()
}

async function open(id: number, knownHosts: readonly string[], own: Partial<FolderHandlers>) {
  const keys = parseSecret(SECRET)
  if (typeof keys === 'string') throw new Error(keys)
  const network = await startNetwork(
    {
      listenPort: 0,
      listenAddresses: ['127.0.0.1'],
      identity: new Uint8Array(32).fill(id),
      networkSecret: null,
      knownHostsOnly: false,
      uploadBytesPerSecond: 0,
      downloadBytesPerSecond: 0,
      limitLocalPeers: false,
      deviceName: `host ${id}`,
      site: null,
    },
    { clock: systemClock, log: silentLog },
  )
  const handlers: FolderHandlers = {
    up: () => {},
    down: () => {},
    message: () => {},
    servePieceList: () => null,
    servePiece: async () => null,
    ...own,
  }
  const link: FolderLink = network.openFolder({
    keys,
    knownHosts,
    replica: `${id}`.padStart(16, '0') as ReplicaId,
    handlers,
  })
  return { network, link }
}

function figures(seconds: number, cpuBefore: number): Figures {
  return { seconds, cpuSeconds: cpuSeconds() - cpuBefore, rssBytes: process.resourceUsage().maxRSS * 1024 }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
