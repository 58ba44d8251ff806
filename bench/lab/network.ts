/**
 * The wires between the hosts of a scenario. Hosts of one site stand on one switch (a bridge), each uplink held to its rate
 * by `tc tbf`. Several sites are joined by the relay (relay.c), which makes rates, delay and loss in user space: so the link
 * is the same on every kernel, and many have no netem.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Readable, type Writable } from 'node:stream'
import { type Hosts, run } from './hosts.ts'
import { type Scenario } from './scenarios.ts'

export interface Counters {
  /** Bytes on the wire, headers included, that each host has sent. */
  readonly sent: readonly number[]
  /** From site to site. */
  readonly between: readonly (readonly number[])[] | null
}

export interface Network {
  readonly address: (host: number) => string
  counters(): Promise<Counters>
  close(): Promise<void>
}

export async function joinHosts(hosts: Hosts, scenario: Scenario, scratch: string): Promise<Network> {
  return scenario.wan === undefined ? onOneSwitch(hosts, scenario) : await onRelay(hosts, scenario, scratch)
}

const SWITCH = 'switch'

function onOneSwitch(hosts: Hosts, scenario: Scenario): Network {
  const address = (host: number) => `10.78.0.${host + 1}`
  const on = ['-n', hosts.middle]
  run('ip', ...on, 'link', 'add', SWITCH, 'type', 'bridge')
  run('ip', ...on, 'link', 'set', SWITCH, 'up')
  for (let i = 0; i < hosts.count; i++) {
    plugIn(hosts, i, address(i))
    const mbit = scenario.slow?.host === i ? scenario.slow.upMbit : scenario.upMbit
    if (mbit !== undefined) hold(hosts, i, mbit)
  }
  return {
    address,
    counters: () => Promise.resolve({ sent: [...scenario.sites.keys()].map((i) => sentBy(hosts, i)), between: null }),
    close: () => Promise.resolve(), // it goes with its namespace
  }
}

function plugIn(hosts: Hosts, i: number, address: string): void {
  const [inner, outer, namespace] = [hosts.device('inner', i), hosts.device('outer', i), hosts.namespace(i)]
  run('ip', '-n', hosts.middle, 'link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', namespace)
  run('ip', '-n', hosts.middle, 'link', 'set', outer, 'master', SWITCH, 'up')
  run('ip', '-n', namespace, 'addr', 'add', `${address}/24`, 'dev', inner)
  run('ip', '-n', namespace, 'link', 'set', inner, 'up')
}

function hold(hosts: Hosts, i: number, mbit: number): void {
  const shape = `root tbf rate ${mbit}mbit burst 256kb latency 100ms`
  run('tc', '-n', hosts.namespace(i), 'qdisc', 'replace', 'dev', hosts.device('inner', i), ...shape.split(' '))
}

/** proc(5), net/dev: the ninth number of an interface is what it has sent. */
function sentBy(hosts: Hosts, i: number): number {
  const line = hosts.ask(i, ['cat', '/proc/net/dev']).match(new RegExp(`${hosts.device('inner', i)}:\\s*(.*)`))
  return Number(line?.[1]?.trim().split(/\s+/)[8])
}

/** Below what the relay takes; large, so that the relay's work for each packet does not become the limit. */
const RELAY_MTU = '8900'

async function onRelay(hosts: Hosts, scenario: Scenario, scratch: string): Promise<Network> {
  const address = (host: number) => `10.79.${scenario.sites[host]}.${host + 1}`
  const { mbit, rttMs, lossPercent } = scenario.wan!
  const program = join(scratch, 'relay')
  run('cc', '-O2', '-o', program, join(import.meta.dirname, 'relay.c'))
  const words = scenario.sites.map((site, i) =>
    [hosts.namespace(i), site, address(i), (scenario.upMbit ?? 0) * 1000].join('='),
  )
  const figures = [rttMs * 500, lossPercent * 10_000, mbit * 1000].map(String)
  const relay = spawn(program, [...figures, ...words], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: relay.stdout })
  if ((await nextLine(relay, lines)) !== 'ready') throw new Error('the relay between the sites did not start')
  for (let i = 0; i < hosts.count; i++) {
    const on = ['-n', hosts.namespace(i)]
    run('ip', ...on, 'addr', 'add', `${address(i)}/16`, 'dev', 'far0')
    run('ip', ...on, 'link', 'set', 'far0', 'mtu', RELAY_MTU, 'txqueuelen', '2000', 'up')
  }
  return {
    address,
    counters: async () => {
      relay.stdin.write('\n')
      return JSON.parse(await nextLine(relay, lines)) as Counters
    },
    close: async () => {
      const ended = once(relay, 'exit')
      relay.stdin.end()
      await ended
    },
  }
}

type Relay = ChildProcessByStdio<Writable, Readable, null>

async function nextLine(relay: Relay, lines: ReturnType<typeof createInterface>): Promise<string> {
  const answer = await Promise.race([once(lines, 'line'), once(relay, 'exit').then(() => null)])
  if (answer === null) throw new Error('the relay between the sites has ended: what it said stands above')
  return String(answer[0])
}
