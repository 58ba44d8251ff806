/**
 * The main job while daemons are killed: a file travels from one host to others, one of them is killed at a random
 * moment, again and again. What stands under the final name is never anything but the whole file.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type Host, until } from './cluster.ts'
import { drop, limitUpload, report, settled } from './pool.ts'

export interface KillsOptions {
  readonly kills: number
  readonly bytes: number
  /** What each host sends, so that the transfer lasts. */
  readonly kBPerSecond: number
}

/** Kills `kills` times, each time in the middle of a transfer; returns how often each host was killed. */
export async function killInTransfers({ kills, bytes, kBPerSecond }: KillsOptions): Promise<readonly number[]> {
  await using cluster = await Cluster.make({ hosts: 2 })
  for (const host of cluster.hosts) await limitUpload(host, kBPerSecond)
  for (const host of cluster.hosts) host.start()
  await cluster.connected()
  const killed = cluster.hosts.map(() => 0)
  for (let left = kills; left > 0;) {
    const path = `image-${left}.iso`
    const from = cluster.host(left % 2)
    const to = cluster.host(1 - (left % 2))
    const content = drop(from, path, bytes)
    const mid = async () => ((await report(to))?.transfers[0]?.doneBytes ?? 0) > 0
    // Up to three kills while one file is under way, then it may arrive.
    for (let i = 0; i < 3 && left > 0; i++, left--) {
      await until(`${path} is under way`, mid)
      await sleep(randomInt(300))
      assertWholeOrAbsent(to, path, content)
      const n = randomInt(2)
      killed[n] = (killed[n] ?? 0) + 1
      await cluster.host(n).kill('SIGKILL')
      assertWholeOrAbsent(to, path, content)
      cluster.host(n).start()
      if (existsSync(to.path(path))) break
    }
    await cluster.connected()
    await settled(cluster)
    assertWholeOrAbsent(to, path, content)
    assert.ok(existsSync(to.path(path)))
  }
  for (const host of cluster.hosts) assert.deepEqual((await report(host))?.problems, [])
  return killed
}

function assertWholeOrAbsent(host: Host, path: string, content: Buffer): void {
  if (existsSync(host.path(path))) assert.ok(readFileSync(host.path(path)).equals(content), `${path} is not whole`)
}
