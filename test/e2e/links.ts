/**
 * Symbolic links swapped in on the way: another process turns directories of the tree, staging, archive and meta_dir
 * into links to a look-alike outside and back, tens of thousands of times a second, while files are installed. Had one
 * link been followed, the look-alike would show it: it has all the names, so that every call would succeed there.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { haveNative } from '../../src/base/native-library.ts'
import { type DiskRoot, openDiskRoot } from '../../src/fs/disk-root.ts'
import { type ArchivedFile, FsError, type OldFile } from '../../src/fs/root.ts'
import { Cluster, type Host } from './cluster.ts'
import { drop, settled } from './pool.ts'

/** What is swapped, below the root. */
const PLACES = ['deep', 'deep/a', '.sync', '.sync/staging', '.sync/Archive', '.sync/Archive/deep'] as const
/** Of a daemon not the marker's directory: without its marker a folder halts, and nothing would be installed. */
const PLACES_OF_DAEMON = PLACES.filter((place) => place !== '.sync')
const NAMES = 24
const AT_A_TIME = 6
const FILE_BYTES = 64

export interface LinksOptions {
  /** Carried out on one root in this process. */
  readonly installs: number
  /** Dropped on one daemon, and received by another whose directories are swapped. */
  readonly received: number
}

export interface LinksFigures {
  readonly installs: number
  /** Tries that met a link, or what it had hidden. */
  readonly refused: number
  readonly swaps: number
  readonly received: number
}

/** Throws where anything was written outside. Null where links cannot be swapped in one call (no koffi). */
export async function swapLinks({ installs, received }: LinksOptions): Promise<LinksFigures | null> {
  if (!haveNative()) return null
  const one = await installIntoRoot(installs)
  const daemons = await receive(received)
  return { ...one, swaps: one.swaps + daemons.swaps, received }
}

/** The directory outside, and the process that puts links to it in place of directories in `root`. */
class Swapping {
  readonly #outside: string
  readonly #words: string[] = []
  #before: readonly string[] = []
  #child: ChildProcess | null = null

  constructor(top: string, root: string, places: readonly string[]) {
    this.#outside = join(top, 'outside')
    const links = join(top, 'links')
    mkdirSync(links, { recursive: true })
    for (const [i, place] of places.entries()) {
      const target = join(this.#outside, String(i))
      for (const inside of lookAlike(place)) mkdirSync(join(target, inside), { recursive: true })
      mkdirSync(join(root, place), { recursive: true })
      symlinkSync(target, join(links, String(i)))
      this.#words.push(join(root, place), join(links, String(i)))
    }
    for (const dir of directoriesBelow(this.#outside))
      for (let i = 0; i < NAMES; i++) writeFileSync(join(dir, nameOf(i)), 'of somebody else')
  }

  async start(): Promise<void> {
    this.#before = traces(this.#outside)
    this.#child = fork(join(import.meta.dirname, 'link-swapper.ts'), this.#words)
    await once(this.#child, 'message')
  }

  /** Ends with every directory in its place; returns how often one was swapped. Throws if anything changed outside. */
  async stop(): Promise<number> {
    assert(this.#child?.connected, 'the process that swaps links has failed')
    this.#child.send('end')
    const [swaps] = (await once(this.#child, 'message')) as [number]
    assert.deepEqual(traces(this.#outside), this.#before, 'nothing outside was made, changed, moved or removed')
    return swaps
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }
}

/** The directories that must lie in a look-alike of `place`, for calls that follow a link to succeed. */
function lookAlike(place: string): readonly string[] {
  const all = ['.sync/staging', '.sync/Archive/deep/a', 'deep/a']
  return ['', ...all.filter((dir) => dir.startsWith(`${place}/`)).map((dir) => dir.slice(place.length + 1))]
}

async function installIntoRoot(installs: number): Promise<{ installs: number; refused: number; swaps: number }> {
  const top = mkdtempSync(join(tmpdir(), 'isosyncd-links-'))
  const dir = join(top, 'root')
  mkdirSync(join(dir, 'deep/a'), { recursive: true })
  mkdirSync(join(dir, '.sync/Archive/deep/a'), { recursive: true })
  const swapping = new Swapping(top, dir, PLACES)
  const root = openDiskRoot({ dir, owner: null, group: null, fileMode: 0o644, dirMode: null, minFreeBytes: 0 })
  const work = new RootWork(root, installs)
  try {
    await swapping.start()
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, lane) => work.run(lane)))
    const swaps = await swapping.stop()
    assertWhole(dir)
    return { installs, refused: work.refused, swaps }
  } finally {
    swapping.kill()
    rmSync(top, { recursive: true, force: true })
  }
}

/** Installs, and in between everything else that changes a root. Each lane has names of its own. */
class RootWork {
  readonly #root: DiskRoot
  #left: number
  refused = 0

  constructor(root: DiskRoot, installs: number) {
    this.#root = root
    this.#left = installs
  }

  async run(lane: number): Promise<void> {
    for (let turn = 0; this.#left > 0; turn++) {
      const name = nameOf(lane + AT_A_TIME * (turn % (NAMES / AT_A_TIME)))
      const path = `${['', 'deep/', 'deep/a/', 'deep/a/'][turn % 4]}${name}` as RelPath
      await this.#tried(() => this.#other(path, turn))
      if (await this.#tried(() => this.#install(path))) this.#left--
    }
  }

  /** False when a link was in the way, or something that it hid was not there. Anything else is thrown. */
  async #tried(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof FsError) || error.code === 'io' || error.code === 'denied') throw error
      this.refused++
      return false
    }
  }

  async #install(path: RelPath): Promise<void> {
    const content = randomBytes(FILE_BYTES / 2).toString('hex') as RootHash
    const staged = await this.#root.openStaged(content)
    try {
      await staged.write(Buffer.from(content), 0)
      await staged.sync()
    } finally {
      await staged.close()
    }
    await this.#root.install(content, path, 1e15, await this.#root.stat(path), old())
  }

  async #other(path: RelPath, turn: number): Promise<unknown> {
    const stat = await this.#root.stat(path)
    switch (turn % 5) {
      case 0:
        return stat === null ? null : await this.#root.remove(path, stat, old())
      case 1:
        return await this.#root.makeLink(path, nameOf(0), stat, old())
      case 2:
        return stat === null ? null : await this.#root.move(path, `deep/${randomInt(1e9)}` as RelPath, stat, 1e15)
      case 3:
        return await this.#restored()
      default:
        return await this.#root.writeMarker({ folder: 'f', replica: 'r' })
    }
  }

  async #restored(): Promise<void> {
    const archived = await this.#root.listArchive()
    const one: ArchivedFile | undefined = archived[randomInt(archived.length + 1)]
    if (one === undefined) return
    if (randomInt(2) === 0) await this.#root.purgeArchived(one.name)
    else await this.#root.restore(one.name, `deep/a/${randomInt(1e9)}` as RelPath)
  }
}

function old(): OldFile {
  return { to: 'archive', nowMs: Date.now() }
}

function nameOf(i: number): string {
  return `image-${i}.iso`
}

/** Every file that lies in the tree or the archive now is one that was installed, whole. */
function assertWhole(dir: string): void {
  for (const below of [dir, ...directoriesBelow(dir)])
    for (const name of readdirSync(below))
      if (name.includes('image-') && lstatSync(join(below, name)).isFile())
        assert.match(readFileSync(join(below, name), 'latin1'), /^[0-9a-f]{64}$/)
}

function directoriesBelow(dir: string): readonly string[] {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true })
  return names.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
}

/** A line for all that lies below: whoever makes, changes, moves or removes something changes one. */
function traces(dir: string): readonly string[] {
  const lines: string[] = []
  for (const path of ['', ...readdirSync(dir, { recursive: true, encoding: 'utf8' })]) {
    const { ino, size, mtimeNs, ctimeNs, mode } = lstatSync(join(dir, path), { bigint: true })
    lines.push([path, ino, size, mtimeNs, ctimeNs, mode].join(' '))
  }
  return lines.sort()
}

/** Two daemons; the directories of the one that receives are swapped all the while. */
async function receive(files: number): Promise<{ swaps: number }> {
  await using cluster = await Cluster.make({
    hosts: 2,
    configure: (config) => Object.assign(config.shared_folders[0] ?? {}, { max_delete_files: 1e6 }),
  })
  const [source, host] = [cluster.host(0), cluster.host(1)]
  mkdirSync(host.path('deep/a'), { recursive: true })
  for (const each of cluster.hosts) each.start()
  await cluster.connected()
  await settled(cluster)
  const swapping = new Swapping(join(cluster.top, 'elsewhere'), host.dir, PLACES_OF_DAEMON)
  try {
    await swapping.start()
    for (let i = 0; i < files; i++) {
      drop(source, `${['', 'deep/', 'deep/a/'][i % 3]}${nameOf(i % NAMES)}`, 1000)
      await sleep(10)
    }
    const swaps = await swapping.stop()
    await host.cli('rescan')
    await settled(cluster)
    assertNothingCame(source)
    return { swaps }
  } finally {
    swapping.kill()
  }
}

/** What lies outside was never taken for the folder's. */
function assertNothingCame(source: Host): void {
  const stranger = Buffer.from('of somebody else')
  for (const dir of [source.dir, ...directoriesBelow(source.dir)])
    for (const name of readdirSync(dir))
      if (lstatSync(join(dir, name)).isFile())
        assert.ok(!readFileSync(join(dir, name)).equals(stranger), `${name} came from outside`)
}
