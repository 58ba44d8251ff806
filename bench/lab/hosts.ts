/**
 * Hosts on one machine: network namespaces, and the processes in them. All that is started here is in one control group,
 * which counts its CPU time also after it has ended, and ends it, daemons of daemons too. Needs root and iproute2.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../test/e2e/cluster.ts'
import { peakMiBOf } from '../process-figures.ts'

const US_PER_S = 1e6

let labs = 0

export class Hosts {
  readonly count: number
  readonly #group: string
  /** Short: the name of an interface has 15 characters. Never the same twice: the kernel removes devices when it likes. */
  readonly #prefix = `ib${process.pid % 10_000}${String.fromCharCode(97 + (labs++ % 26))}`
  #peakMiB = 0

  constructor(count: number) {
    this.count = count
    this.#group = join(controlGroups(), `isosyncd-bench-${process.pid}-${labs}`)
    mkdirSync(this.#group, { recursive: true })
    for (const namespace of this.#namespaces()) run('ip', 'netns', 'add', namespace)
    for (let i = 0; i < count; i++) run('ip', '-n', this.namespace(i), 'link', 'set', 'lo', 'up')
  }

  namespace(i: number): string {
    return `${this.#prefix}n${i}`
  }

  /** Where the switch stands: it goes with its namespace. */
  get middle(): string {
    return `${this.#prefix}m`
  }

  #namespaces(): string[] {
    return [this.middle, ...Array.from({ length: this.count }, (_, i) => this.namespace(i))]
  }

  /** A name for a device of host `i`. */
  device(kind: 'inner' | 'outer', i: number): string {
    return `${this.#prefix}${kind === 'inner' ? 'v' : 'h'}${i}`
  }

  /** Starts a program on host `i`; what it says goes to the file. */
  start(i: number, argv: readonly string[], log: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const fd = openSync(log, 'a')
    const entered = ['-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', this.#group]
    const child = spawn('sh', [...entered, 'ip', 'netns', 'exec', this.namespace(i), ...argv], {
      stdio: ['ignore', fd, fd],
      env: { ...process.env, ...env },
    })
    closeSync(fd)
    return child
  }

  /** Runs a short command on host `i` and returns what it says. */
  ask(i: number, argv: readonly string[]): string {
    return run('ip', 'netns', 'exec', this.namespace(i), ...argv)
  }

  /** Of all that was started, ended or not. */
  cpuSeconds(): number {
    return Number(/usage_usec (\d+)/.exec(readFileSync(join(this.#group, 'cpu.stat'), 'utf8'))?.[1]) / US_PER_S
  }

  /** The largest process so far; those that ended between two calls are not seen. */
  peakMiB(): number {
    for (const pid of this.#processes()) {
      try {
        this.#peakMiB = Math.max(this.#peakMiB, peakMiBOf(pid) || 0)
      } catch {
        // It has ended.
      }
    }
    return this.#peakMiB
  }

  /** Ends all and removes the namespaces, with the devices in them. */
  async close(): Promise<void> {
    writeFileSync(join(this.#group, 'cgroup.kill'), '1')
    await until('what was started on the hosts has ended', () => this.#isRemoved())
    for (const namespace of this.#namespaces()) run('ip', 'netns', 'del', namespace)
  }

  /** A group is busy until the last of its processes has been waited for. */
  #isRemoved(): boolean {
    try {
      rmdirSync(this.#group)
      return true
    } catch {
      return false
    }
  }

  #processes(): number[] {
    return readFileSync(join(this.#group, 'cgroup.procs'), 'utf8').trim().split('\n').filter(Boolean).map(Number)
  }
}

export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function controlGroups(): string {
  const mount = readFileSync('/proc/mounts', 'utf8').match(/^\S+ (\S+) cgroup2 rw/m)
  if (mount?.[1] === undefined) throw new Error('there is no cgroup2 here that can be written: mount -t cgroup2')
  return mount[1]
}
