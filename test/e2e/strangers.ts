/**
 * Strangers at the door of a real daemon: thousands of connections a second, hundreds that say nothing, and handshakes
 * that are cut, mixed and changed at random. Meanwhile a known host is started again and again, and must get in.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type Host, until } from './cluster.ts'

export interface StrangersOptions {
  readonly seconds: number
  readonly connectionsPerSecond: number
  readonly silent: number
  /** Handshakes in all. */
  readonly fuzzed: number
  /** Off: strangers reach the handshake, which is the harder case. */
  readonly knownHostsOnly: boolean
}

export interface StrangersFigures {
  readonly connections: number
  readonly fuzzed: number
  /** From a known host's listening to its proof, at worst, and the same without strangers. */
  readonly worstConnectMs: number
  readonly quietConnectMs: number
  readonly memoryGrowthMiB: number
  readonly warnings: number
}

const MIB = 2 ** 20

export async function sendStrangers(options: StrangersOptions): Promise<StrangersFigures> {
  const configure = (config: Record<string, unknown>) =>
    Object.assign(config, { known_hosts_only: options.knownHostsOnly })
  await using cluster = await Cluster.start({ hosts: 2, configure })
  const [target, friend] = [cluster.host(0), cluster.host(1)]
  const quietConnectMs = Math.max(await comeBack(friend), await comeBack(friend))
  const before = residentBytes(target)
  const crowd = new Crowd(cluster.ports[0] ?? 0)
  const attack = crowd.run(options)
  let over = false
  void attack.finally(() => (over = true))
  let [worstConnectMs, peak] = [0, before]
  while (!over) {
    worstConnectMs = Math.max(worstConnectMs, await comeBack(friend))
    peak = Math.max(peak, residentBytes(target))
    if (!target.isRunning) throw new Error(`the daemon has crashed:\n${target.logTail(30)}`)
  }
  await attack
  return {
    connections: crowd.connections,
    fuzzed: crowd.fuzzed,
    worstConnectMs,
    quietConnectMs,
    memoryGrowthMiB: Math.round((peak - before) / MIB),
    warnings: target.log().filter(({ level }) => level === 'warn').length,
  }
}

/** Restarts a host; milliseconds from its listening to its proof. */
async function comeBack(host: Host): Promise<number> {
  await host.kill('SIGKILL')
  const timeOf = (text: RegExp) => String(host.log().findLast(({ msg }) => text.test(String(msg)))?.['time'])
  const before = timeOf(/has proven the/)
  host.start()
  await until('a known host has come in', () => timeOf(/has proven the/) !== before)
  return Date.parse(timeOf(/has proven the/)) - Date.parse(timeOf(/is listening on port/))
}

function residentBytes(host: Host): number {
  const kB = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${host.pid}/status`, 'utf8'))?.[1]
  return Number(kB ?? 0) * 1024
}

/** What an honest caller says first; then comes Noise. */
const OPENINGS = ['\x13/multistream/1.0.0\n', '\x07/noise\n', '\x0d/yamux/1.0.0\n', '\x03na\n', '\x03ls\n'].map(
  (text) => Buffer.from(text),
)

class Crowd {
  connections = 0
  fuzzed = 0
  readonly #port: number
  readonly #open = new Set<Socket>()
  constructor(port: number) {
    this.#port = port
  }

  async run({ seconds, connectionsPerSecond, silent, fuzzed }: StrangersOptions): Promise<void> {
    const end = performance.now() + seconds * 1_000
    for (let i = 0; i < silent; i++) this.#connect()
    while (performance.now() < end || this.fuzzed < fuzzed) {
      const start = performance.now()
      for (let i = 0; i < connectionsPerSecond / 20; i++) {
        if (this.fuzzed < fuzzed && i % 2 === 0) this.#fuzz()
        else this.#glance()
      }
      await sleep(Math.max(0, 50 - (performance.now() - start)))
    }
    for (const socket of this.#open) socket.destroy()
  }

  /** From any of a thousand addresses. */
  #connect(): Socket {
    this.connections++
    const localAddress = `127.0.${randomInt(1, 5)}.${randomInt(1, 251)}`
    const socket = connect({ host: '127.0.0.1', port: this.#port, localAddress })
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket)).on('error', () => {})
    socket.resume()
    return socket
  }

  #glance(): void {
    const socket = this.#connect()
    socket.on('connect', () => (randomInt(2) === 0 ? socket.end() : socket.resetAndDestroy()))
  }

  #fuzz(): void {
    this.fuzzed++
    const socket = this.#connect()
    const patience = setTimeout(() => socket.destroy(), 3_000)
    socket.on('close', () => clearTimeout(patience))
    socket.on('connect', () => {
      for (const bytes of fuzzedHandshake()) socket.write(bytes)
      if (randomInt(3) === 0) socket.end()
    })
  }
}

/** An honest beginning of random length, then anything: noise messages of right and wrong lengths, changed bits, rubbish. */
function fuzzedHandshake(): Buffer[] {
  const parts: Buffer[] = OPENINGS.slice(0, randomInt(3))
  for (let i = randomInt(4); i > 0; i--)
    parts.push([noiseMessage, rubbish, opening, hugeLength][randomInt(4)]?.() ?? rubbish())
  return parts.map((part) => (randomInt(4) === 0 ? changed(part) : part))
}

function noiseMessage(): Buffer {
  const body = randomBytes([0, 1, 31, 32, 33, 96, 200, 5_000][randomInt(8)] ?? 32)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(randomInt(4) === 0 ? randomInt(65_536) : body.byteLength)
  return Buffer.concat([length, body])
}

function rubbish(): Buffer {
  return randomBytes(randomInt(1, 2_000))
}

function opening(): Buffer {
  return OPENINGS[randomInt(OPENINGS.length)] ?? rubbish()
}

function hugeLength(): Buffer {
  return Buffer.concat([Buffer.alloc(9, 0xff), Buffer.of(1), randomBytes(20)])
}

function changed(part: Buffer): Buffer {
  const copy: Buffer = Buffer.from(part)
  const at = randomInt(Math.max(1, copy.byteLength))
  copy[at] = (copy[at] ?? 0) ^ (1 << randomInt(8))
  return copy
}
