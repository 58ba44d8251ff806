/**
 * One scenario by one program: hosts and network are made, the program is started, the payload is moved into the first
 * host's directory; the clock stops when the last host has all of it. Then each copy is compared by hash. All is removed.
 */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hosts } from './hosts.ts'
import { type Counters, joinHosts, type Network } from './network.ts'
import { hashOf, makePayload, type Payload } from './payload.ts'
import { type Pool, type Program, type Running } from './programs/program.ts'
import { type Figures } from './results.ts'
import { lowerBound, type Scenario, timedReceivers } from './scenarios.ts'

const POLL_MS = 10
/** Looking at 100,000 files takes a while, and is not to be what is measured. */
const POLL_MANY_MS = 250
const PATIENCE_MS = 600_000
/** A pool has been up for long before an image comes: programs measure how far their peers are, and connect more often. */
const CALM_MS = 8_000

/** When `interrupted` fires all is removed, and it rejects. */
export async function measure(
  scenario: Scenario,
  program: Program,
  under: string,
  interrupted: AbortSignal,
): Promise<Figures> {
  const top = mkdtempSync(join(under, 'isosyncd-bench-'))
  await using undo = new AsyncDisposableStack()
  undo.defer(() => rmSync(top, { recursive: true, force: true }))
  const payload = makePayload(scenario, top)
  const hosts = new Hosts(scenario.sites.length)
  undo.defer(() => hosts.close())
  const network = await joinHosts(hosts, scenario, top)
  undo.defer(() => network.close())
  const pool = poolOf(scenario, hosts, network, top, payload)
  const wanted = hashOf(payload.path)
  return await Promise.race([work(pool, program, payload, network, wanted), refusal(interrupted)])
}

async function work(
  pool: Pool,
  program: Program,
  payload: Payload,
  network: Network,
  wanted: string,
): Promise<Figures> {
  const { hosts, scenario } = pool
  const running = await program.start(pool)
  await sleep(CALM_MS)
  const before = { cpu: hosts.cpuSeconds(), counters: await network.counters() }
  const arrivals = await clock(pool, running, payload)
  const after = { cpu: hosts.cpuSeconds(), counters: await network.counters() }
  for (const host of timedReceivers(scenario))
    if (hashOf(join(pool.data(host), payload.name)) !== wanted) throw new Error(`the copy on host ${host} differs`)
  return figures(scenario, payload, arrivals, {
    counters: { before: before.counters, after: after.counters },
    cpuSeconds: after.cpu - before.cpu,
    peakMiB: hosts.peakMiB(),
  })
}

async function refusal(interrupted: AbortSignal): Promise<never> {
  if (!interrupted.aborted) await once(interrupted, 'abort')
  throw new Error('interrupted')
}

function poolOf(scenario: Scenario, hosts: Hosts, network: Network, top: string, payload: Payload): Pool {
  const home = (host: number) => join(top, `host${host}`)
  const data = (host: number) => join(home(host), 'pool')
  for (const host of scenario.sites.keys()) mkdirSync(data(host), { recursive: true })
  const { name, older } = payload
  const log = (host: number) => join(home(host), 'log')
  return { hosts, scenario, top, payload: name, older, address: network.address, home, data, log }
}

/** Seconds from the drop to each arrival, in order. */
async function clock(pool: Pool, running: Running, payload: Payload): Promise<number[]> {
  const left = new Set(timedReceivers(pool.scenario))
  const arrivals: number[] = []
  const begun = performance.now()
  renameSync(payload.path, join(pool.data(0), payload.name))
  await running.dropped()
  while (left.size > 0) {
    const elapsedMs = performance.now() - begun
    for (const host of left) if (running.arrived(host) && left.delete(host)) arrivals.push(elapsedMs / 1000)
    if (elapsedMs > PATIENCE_MS)
      throw new Error(`host ${[...left].join(', ')} had not got it in ${PATIENCE_MS / 1000} s`)
    pool.hosts.peakMiB()
    await sleep(pool.scenario.files === undefined ? POLL_MS : POLL_MANY_MS)
  }
  return arrivals
}

interface Used {
  readonly counters: { readonly before: Counters; readonly after: Counters }
  readonly cpuSeconds: number
  readonly peakMiB: number
}

function figures(scenario: Scenario, payload: Payload, arrivals: readonly number[], used: Used): Figures {
  const { before, after } = used.counters
  const seconds = arrivals.at(-1)!
  const bound = lowerBound(scenario, payload.bytes)
  const sent = after.sent[0]! - before.sent[0]!
  const leftSite = leaving(after) - leaving(before)
  return {
    megabytes: round(payload.bytes / 1e6, 1),
    hosts: scenario.sites.length,
    seconds: round(seconds),
    firstSeconds: round(arrivals[0]!),
    mbPerS: round(payload.bytes / 1e6 / seconds, 1),
    timeOverBound: bound === null ? null : round(seconds / bound),
    sourceSent: round(sent / payload.newBytes, 3),
    sourceSiteSent: after.between === null ? null : round(leftSite / payload.newBytes, 3),
    cpuSPerGb: round(used.cpuSeconds / (payload.bytes / 1e9)),
    peakMiB: used.peakMiB,
    loadAverage: round(loadavg()[0]!),
  }
}

/** Bytes from the source's site to all others. */
function leaving({ between }: Counters): number {
  return (between?.[0] ?? []).slice(1).reduce((sum, bytes) => sum + bytes, 0)
}

function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}
