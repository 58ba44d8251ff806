/**
 * `npm run demo`: the main job in under a minute. Three daemons keep three pools on this machine identical: images are
 * dropped on one, one is deleted and restored from the archive, and at the end a table says who has what, by hash.
 */
import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MultiBar, Presets } from 'cli-progress'
import Table from 'cli-table3'
import pc from 'picocolors'
import prettyBytes from 'pretty-bytes'
import { createBlake3 } from '../src/base/blake3.ts'
import { Cluster, type Host, until } from '../test/e2e/cluster.ts'
import { writeIsoImage } from '../test/iso-image.ts'

const run = promisify(execFile)

/** Debian packages that hold bootable images, and where. */
const IMAGES = { 'memtest86+': 'boot', ipxe: 'usr/lib/ipxe', 'grub-rescue-pc': 'usr/lib/grub-rescue' }
const MADE_BYTES = 300_000_000
const FETCH_MS = 15_000

async function main(): Promise<void> {
  await using cluster = await Cluster.make({ hosts: 3 })
  process.once('SIGINT', () => void cluster[Symbol.asyncDispose]().then(() => process.exit(130)))
  try {
    await show(cluster)
  } catch (error) {
    for (const host of cluster.hosts) console.error(`${host.logFile} ends with:\n${host.logTail()}`)
    throw error
  }
}

async function show(cluster: Cluster): Promise<void> {
  const stock = join(cluster.top, 'stock')
  await mkdir(stock)
  const images = await gatherImages(stock)

  say(`Three daemons, each with its own pool: ${cluster.knownHosts().join(', ')}`)
  for (const host of cluster.hosts) host.start()
  await cluster.connected()
  const [first, second, third] = [cluster.host(0), cluster.host(1), cluster.host(2)]

  say(`Dropping ${images.length} images on host1`)
  for (const image of images) await rename(join(stock, image), first.path(image))
  await watchArrival([second, third], images)

  const victim = images[0] ?? ''
  say(`Deleting ${victim} on host2: elsewhere it goes to the archive`)
  await rm(second.path(victim))
  await cluster.everywhere(`${victim} is gone`, async (host) => !(await exists(host.path(victim))))
  await until('host3 has it in the archive', async () => archiveCount(await third.cli('archive', 'list', '--json')) > 0)

  say(`Restoring ${victim} from the archive of host3: it comes back on all`)
  const restored = await third.cli('archive', 'restore', victim)
  if (restored.code !== 0) throw new Error(restored.stderr)
  await cluster.everywhere(`${victim} is back`, async (host) => (await host.where(victim)).code === 0)

  await showTable(cluster.hosts, images)
}

/** Real images from Debian where they can be had; and one made here, large enough to see it travel. */
async function gatherImages(stock: string): Promise<string[]> {
  for (const [name, dir] of Object.entries(IMAGES)) await fetchImages(stock, name, dir).catch(() => undefined)
  const found = await readdir(stock)
  say(found.length > 0 ? `Images from Debian: ${found.join(', ')}` : 'No images from Debian here: making one')
  writeIsoImage(join(stock, 'made-here.iso'), { contentBytes: MADE_BYTES })
  return [...found, 'made-here.iso']
}

async function fetchImages(stock: string, name: string, dir: string): Promise<void> {
  const work = `${stock}-${name}`
  await mkdir(work)
  try {
    await run('apt-get', ['-qq', 'download', name], { cwd: work, timeout: FETCH_MS })
    const [deb] = await readdir(work)
    await run('dpkg-deb', ['-x', join(work, deb ?? ''), join(work, 'files')])
    for (const file of await readdir(join(work, 'files', dir)))
      if (file.endsWith('.iso')) await copyFile(join(work, 'files', dir, file), join(stock, file))
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** A bar for each image on each host, moved by what the daemons say of their transfers. */
async function watchArrival(hosts: readonly Host[], images: readonly string[]): Promise<void> {
  const bars = new MultiBar(
    { format: '  {what} [{bar}] {percentage}%', noTTYOutput: true, notTTYSchedule: 2000 },
    Presets.rect,
  )
  const pairs = hosts.flatMap((host, i) =>
    images.map((image) => ({ host, image, bar: bars.create(100, 0, { what: `host${i + 2} ${image.padEnd(24)}` }) })),
  )
  try {
    await until('all images are everywhere', async () => {
      const percents = await Promise.all(pairs.map(({ host, image }) => percentHere(host, image)))
      pairs.forEach(({ bar }, i) => bar.update(percents[i] ?? 0))
      return percents.every((percent) => percent === 100)
    })
  } finally {
    bars.stop()
  }
}

async function percentHere(host: Host, image: string): Promise<number> {
  const status = await host.status()
  const transfer = status?.folders[0]?.transfers.find((t) => t.path === image)
  if (transfer !== undefined) return Math.min(99, Math.floor((transfer.doneBytes / transfer.size) * 100))
  return (await exists(host.path(image))) ? 100 : 0
}

/** Reads every file of every pool and compares: the daemons' word is not enough. */
async function showTable(hosts: readonly Host[], images: readonly string[]): Promise<void> {
  const table = new Table({ head: ['image', 'size', ...hosts.map((_, i) => `host${i + 1}`), 'identical'] })
  let wrong = 0
  for (const image of images) {
    const hashes = await Promise.all(hosts.map((host) => hashOf(host.path(image))))
    const same = hashes.every((hash) => hash === hashes[0])
    if (!same) wrong++
    const { size } = await stat(hosts[0]?.path(image) ?? '')
    const shown = hashes.map((hash) => hash.slice(0, 16))
    table.push([image, prettyBytes(size), ...shown, same ? pc.green('yes') : pc.red('NO')])
  }
  console.log(table.toString())
  if (wrong > 0) throw new Error(`${wrong} images differ`)
  say(pc.green('All pools are identical, by BLAKE3 of every byte.'))
}

async function hashOf(path: string): Promise<string> {
  const hasher = createBlake3()
  for await (const chunk of createReadStream(path)) hasher.update(chunk as Buffer)
  return hasher.digest().toString('hex')
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

function archiveCount(answer: { stdout: string }): number {
  const listings = JSON.parse(answer.stdout) as { files: unknown[] }[]
  return listings.reduce((sum, listing) => sum + listing.files.length, 0)
}

function say(sentence: string): void {
  console.log(`${pc.bold('isosyncd demo')}  ${sentence}`)
}

try {
  await main()
} catch (error) {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
