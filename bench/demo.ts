/**
 * `npm run demo`: the main job in under a minute. Three daemons keep three pools on this machine identical: images are
 * dropped on one, one is deleted and restored from the archive, and at the end a table says who has what, by hash.
 * Everything lies in one temporary folder, which is removed at the end, also after Ctrl-C.
 */
import { createReadStream } from 'node:fs'
import { access, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import pc from 'picocolors'
import { type StatusReport } from '../src/api/api-types.ts'
import { createControlClient } from '../src/api/client.ts'
import { controlSocketPath } from '../src/api/socket-path.ts'
import { createBlake3 } from '../src/base/blake3.ts'
import { bytes, table } from '../src/cli/figures.ts'
import { Cluster, type Host, until } from '../test/e2e/cluster.ts'
import { gatherImages } from './demo-images.ts'
import { type ArrivalsView, say, showArrivals } from './demo-screen.ts'

/** As a shell reports a program that was ended by a signal. */
const INTERRUPTED = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
/** Enough to tell images apart, few enough for three columns. */
const HASH_DIGITS = 16

const interrupted = new AbortController()
let view: ArrivalsView | null = null

async function main(): Promise<void> {
  await using cluster = await Cluster.make({ hosts: 3 })
  for (const [signal, code] of Object.entries(INTERRUPTED))
    process.once(signal, () => void interrupt(cluster).then(() => process.exit(code)))
  try {
    await show(cluster)
  } catch (error) {
    if (interrupted.signal.aborted) await new Promise(() => {}) // `interrupt` ends the process
    for (const host of cluster.hosts) console.error(`${host.logFile} ends with:\n${host.logTail()}`)
    throw error
  }
}

async function interrupt(cluster: Cluster): Promise<void> {
  interrupted.abort()
  view?.stop()
  await cluster[Symbol.asyncDispose]()
  say('Interrupted. The three daemons are gone, and so is the temporary folder.')
}

async function show(cluster: Cluster): Promise<void> {
  const stock = join(cluster.top, 'stock')
  await mkdir(stock)
  say('Gathering images: from Debian where they can be had, and one made here')
  const images = await gatherImages(stock, interrupted.signal)

  say(`Starting three daemons: ${cluster.knownHosts().join(', ')}`)
  for (const host of cluster.hosts) host.start()
  await cluster.connected()
  const [first, second, third] = [cluster.host(0), cluster.host(1), cluster.host(2)]

  say(`Dropping ${images.length} images on host1`)
  for (const image of images) await rename(join(stock, image), first.path(image))
  await watchArrival([second, third], images)

  const victim = images[0] ?? ''
  say(`Deleting ${victim} on host2: on the others it goes to the archive`)
  await rm(second.path(victim))
  await cluster.everywhere(`${victim} is gone`, async (host) => !(await exists(host.path(victim))))
  await until('host3 has it in the archive', async () => archiveCount(await third.cli('archive', 'list', '--json')) > 0)

  say('Restoring it from the archive of host3: it comes back on all')
  const restored = await third.cli('archive', 'restore', victim)
  if (restored.code !== 0) throw new Error(restored.stderr)
  await cluster.everywhere(`${victim} is back`, async (host) => (await host.where(victim)).code === 0)

  say('Reading every byte of every pool')
  await showTable(cluster.hosts, images)
}

async function watchArrival(hosts: readonly Host[], images: readonly string[]): Promise<void> {
  const arrivals = hosts.flatMap((host, i) => images.map((image) => ({ at: host, host: `host${i + 2}`, image })))
  view = showArrivals(arrivals)
  try {
    await until('all images are everywhere', async () => {
      const ofHost = new Map(
        await Promise.all(hosts.map(async (host) => [host, await percentsHere(host, images)] as const)),
      )
      const percents = arrivals.map(({ at, image }) => ofHost.get(at)?.get(image) ?? 0)
      view?.update(percents)
      return percents.every((percent) => percent === 100)
    })
  } finally {
    view.stop()
    view = null
  }
}

/** By what the daemon says of its transfers, and by what stands in its pool. */
async function percentsHere(host: Host, images: readonly string[]): Promise<Map<string, number>> {
  const transfers = (await statusOf(host)).folders[0]?.transfers ?? []
  const percents = new Map<string, number>()
  for (const image of images) {
    const transfer = transfers.find((t) => t.path === image)
    const growing = transfer === undefined ? 0 : Math.floor((transfer.doneBytes / transfer.size) * 100)
    percents.set(image, (await exists(host.path(image))) ? 100 : Math.min(99, growing))
  }
  return percents
}

/** Asked through the control socket: starting `isosyncd status` each time would be too slow for bars. */
function statusOf(host: Host): Promise<StatusReport> {
  const socketPath = controlSocketPath(join(host.home, 'state'))
  return createControlClient({ socketPath, advice: '' }).status()
}

/** The daemons' word is not enough. */
async function showTable(hosts: readonly Host[], images: readonly string[]): Promise<void> {
  const rows: string[][] = []
  let wrong = 0
  for (const image of images) {
    const hashes = await Promise.all(hosts.map((host) => hashOf(host.path(image))))
    const same = hashes.every((hash) => hash === hashes[0])
    if (!same) wrong++
    const { size } = await stat(hosts[0]?.path(image) ?? '')
    const shown = hashes.map((hash) => hash.slice(0, HASH_DIGITS))
    rows.push([image, bytes(size), ...shown, same ? pc.green('yes') : pc.red('NO')])
  }
  const head = ['Image', 'Size', ...hosts.map((_, i) => `BLAKE3 on host${i + 1}`), 'Identical']
  console.log(`\n${table(head, rows)}\n`)
  if (wrong > 0) throw new Error(`${wrong} of ${images.length} images differ`)
  say(pc.green('All three pools are identical.'))
}

async function hashOf(path: string): Promise<string> {
  const hasher = createBlake3()
  for await (const chunk of createReadStream(path)) hasher.update(chunk as Buffer)
  return hasher.digest().toString('hex')
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

function archiveCount(answer: { stdout: string }): number {
  const listings = JSON.parse(answer.stdout) as { files: unknown[] }[]
  return listings.reduce((sum, listing) => sum + listing.files.length, 0)
}

try {
  await main()
} catch (error) {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
