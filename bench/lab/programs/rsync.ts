/** `rsync -a` from the source to each host at once: over ssh, and to rsync's own daemon, which does not encrypt. */
import { type ChildProcess } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../test/e2e/cluster.ts'
import { run } from '../hosts.ts'
import { missingCommands, type Pool, type Program } from './program.ts'

/** How a host is made ready to receive, and how it is named. */
interface Way {
  readonly port: number
  prepare(pool: Pool): void
  server(pool: Pool, host: number): readonly string[]
  target(pool: Pool, host: number): readonly string[]
}

const ssh: Way = {
  port: 22,
  prepare(pool) {
    mkdirSync('/run/sshd', { recursive: true }) // sshd demands it
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', keyOf(pool))
  },
  server(pool) {
    const options = [`AuthorizedKeysFile=${keyOf(pool)}.pub`, 'StrictModes=no', 'PidFile=none', 'PermitRootLogin=yes']
    return ['/usr/sbin/sshd', '-D', '-e', '-f', '/dev/null', '-h', keyOf(pool), ...options.flatMap((o) => ['-o', o])]
  },
  target(pool, host) {
    const shell = `ssh -i ${keyOf(pool)} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -q`
    return ['-e', shell, `root@${pool.address(host)}:${pool.data(host)}/`]
  },
}

const daemon: Way = {
  port: 873,
  prepare: () => undefined,
  server(pool, host) {
    const config = join(pool.home(host), 'rsyncd.conf')
    writeFileSync(config, `use chroot=no\nuid=0\ngid=0\n[pool]\npath=${pool.data(host)}\nread only=no\n`)
    return ['rsync', '--daemon', '--no-detach', '--config', config]
  },
  target: (pool, host) => [`rsync://${pool.address(host)}/pool/`],
}

export const rsyncOverSsh = rsyncBy('rsync-ssh', 'rsync over ssh', ssh, {
  rsync: 'rsync',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
})
export const plainRsync = rsyncBy('rsync', 'rsync, not encrypted', daemon, { rsync: 'rsync' })

function rsyncBy(name: string, title: string, way: Way, commands: Readonly<Record<string, string>>): Program {
  return {
    name,
    title,
    missing: () => missingCommands(commands),
    unfit: () => null,
    async start(pool) {
      way.prepare(pool)
      const receivers = [...pool.scenario.sites.keys()].slice(1)
      for (const host of receivers) {
        pool.hosts.start(host, way.server(pool, host), pool.log(host))
        // Under the name of the new one: rsync must be told what to compare with.
        if (pool.older !== null) copyFileSync(pool.older, join(pool.data(host), pool.payload))
      }
      for (const host of receivers) await until(`host ${host} listens`, () => listens(pool, host, way.port))
      const sending = new Map<number, ChildProcess>()
      return {
        dropped() {
          for (const host of receivers) sending.set(host, send(pool, host, way.target(pool, host)))
        },
        arrived: (host) => hasEnded(sending.get(host)),
      }
    },
  }
}

function keyOf(pool: Pool): string {
  return join(pool.top, 'key')
}

function send(pool: Pool, host: number, target: readonly string[]): ChildProcess {
  const how = pool.older === null ? ['--whole-file'] : ['--no-whole-file', '--ignore-times']
  return pool.hosts.start(
    0,
    ['rsync', '-a', ...how, ...target.slice(0, -1), join(pool.data(0), pool.payload), target.at(-1)!],
    pool.log(0),
  )
}

function hasEnded(child: ChildProcess | undefined): boolean {
  if (child === undefined || child.exitCode === null) return false
  if (child.exitCode !== 0) throw new Error(`rsync has ended with status ${child.exitCode}`)
  return true
}

/** The table of the namespace: column 2 the own address and port in hexadecimal, column 4 the state, 0A: listening. */
function listens(pool: Pool, host: number, port: number): boolean {
  const table = pool.hosts.ask(host, ['cat', '/proc/net/tcp', '/proc/net/tcp6'])
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return new RegExp(`:${hex} [0-9A-F]+:0000 0A`).test(table)
}
