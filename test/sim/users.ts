/** What users do, on any host, at any moment, whatever state the daemon is in. */
import { MemoryUser } from '../../src/fs/memory-user.ts'
import { type SimHost } from './sim-host.ts'
import { hasRot } from './rot.ts'
import { treeOf } from './tree.ts'
import { type World } from './world.ts'

const FILES = ['a', 'b', 'c.iso', 'd/x', 'd/y', 'd/e/z', 'g/x', 'h/i/j/k', 'm', 'n', 'o/p', 'o/q', 'r', 's', 't/u']
/** Names that are files here and directories there. */
const CLASHING = ['d', 'd/e', 'g', 'a/x', 'o']
const LINKS = ['current', 'd/latest']
const HINT_MS = 50
/** Events get lost: then only the rescan finds what changed. */
const ONE_HINT_LOST_IN = 15

export interface Deed {
  readonly name: string
  readonly weight: number
  readonly run: (world: World, host: SimHost) => void
}

export const DEEDS: readonly Deed[] = [
  { name: 'write', weight: 10, run: write },
  { name: 'overwrite', weight: 4, run: overwrite },
  { name: 'delete', weight: 5, run: remove },
  { name: 'rename', weight: 4, run: rename },
  { name: 're-create', weight: 3, run: recreate },
  { name: 'replace', weight: 2, run: replace },
  { name: 'make directory', weight: 1, run: makeDirectory },
  { name: 'link', weight: 2, run: link },
  { name: 'upload', weight: 2, run: upload },
  { name: 'delete all', weight: 0.2, run: removeAll },
  { name: 'copy', weight: 1, run: copy },
]

function write(world: World, host: SimHost): void {
  const path = somePath(world)
  const content = world.contents.make()
  act(world, host, `write ${content.name} to ${path}`, (user) => user.write(path, content.bytes))
}

function overwrite(world: World, host: SimHost): void {
  const path = someFile(world, host)
  if (path === null) return
  const content = world.contents.make()
  act(world, host, `overwrite ${path} with ${content.name}`, (user) => user.write(path, content.bytes))
}

function remove(world: World, host: SimHost): void {
  const path = someNode(world, host)
  if (path !== null) act(world, host, `delete ${path}`, (user) => user.delete(path))
}

function rename(world: World, host: SimHost): void {
  const [from, to] = [someNode(world, host), somePath(world)]
  if (from === null || to === from || to.startsWith(`${from}/`) || isDirectory(host, to)) return
  // What a user moves or copies is a new file, and its bytes are meant.
  if (hasRot(world, host, from)) return
  // A link that would point out of the root is a problem for people, and stays on its host.
  if (treeOf(host.disk).get(from)?.kind === 'link' && !to.includes('/')) return
  act(world, host, `rename ${from} to ${to}`, (user) => user.rename(from, to))
}

function recreate(world: World, host: SimHost): void {
  const path = someFile(world, host)
  if (path === null) return
  const content = world.contents.make()
  act(world, host, `delete ${path}`, (user) => user.delete(path))
  act(world, host, `re-create ${path} as ${content.name}`, (user) => user.write(path, content.bytes))
}

/** As editors and rsync do: a new file is renamed over the old one. */
function replace(world: World, host: SimHost): void {
  const path = someFile(world, host)
  if (path === null) return
  const content = world.contents.make()
  act(world, host, `write .new as ${content.name}`, (user) => user.write('.new', content.bytes))
  act(world, host, `rename .new over ${path}`, (user) => user.rename('.new', path))
}

function makeDirectory(world: World, host: SimHost): void {
  const path = world.chance.pick(['d', 'g', 'o', 'empty', 'h/i', 'v/w'])
  act(world, host, `make directory ${path}`, (user) => user.makeDirectory(path))
}

function link(world: World, host: SimHost): void {
  const path = world.chance.pick(LINKS)
  if (isDirectory(host, path)) return
  const target = path.includes('/') ? world.chance.pick(['x', '../b']) : world.chance.pick(['a', 'd/x', 'nowhere'])
  act(world, host, `link ${path} to ${target}`, (user) => user.link(path, target))
}

function copy(world: World, host: SimHost): void {
  const [from, to] = [someFile(world, host), somePath(world)]
  if (from === null || to === from || hasRot(world, host, from)) return
  act(world, host, `copy ${from} to ${to}`, (user) => user.write(to, user.read(from) ?? ''))
}

function removeAll(world: World, host: SimHost): void {
  for (const path of treeOf(host.disk).keys())
    if (!path.includes('/')) act(world, host, `delete ${path}`, (user) => user.delete(path))
}

/** A file that grows, with pauses shorter than the settle time. */
function upload(world: World, host: SimHost): void {
  if (host.settleMs === 0) return
  const path = somePath(world)
  const whole = world.contents.make()
  const part = world.contents.part(whole, Math.ceil(whole.bytes.byteLength / 2))
  world.ledger.uploads.set(part.root, host.name)
  if (!act(world, host, `begin to upload ${whole.name} to ${path}`, (user) => user.write(path, part.bytes))) return
  const file = treeOf(host.disk).get(path)
  world.time.after(world.chance.below(host.settleMs * 0.8), () => {
    world.ledger.uploads.delete(part.root)
    if (treeOf(host.disk).get(path) !== file) return
    act(world, host, `finish uploading ${whole.name}`, (user) => user.write(path, whole.bytes))
  })
}

/** False if it cannot be done: a file is where a directory should be. */
function act(world: World, host: SimHost, what: string, work: (user: MemoryUser) => void): boolean {
  world.say(`${host.name} user: ${what}`)
  const user = new MemoryUser({ disk: () => host.disk })
  let done = true
  const changed = world.ledger.deed(host, () => {
    try {
      work(user)
    } catch {
      world.say(`${host.name} user: could not`)
      done = false
    }
  })
  for (const path of changed) hintLater(world, host, path)
  return done
}

function hintLater(world: World, host: SimHost, path: string): void {
  if (!host.isMounted || world.chance.oneIn(ONE_HINT_LOST_IN)) return
  world.time.after(HINT_MS + world.chance.below(50), () => host.hint(path))
}

function somePath(world: World): string {
  return world.chance.pick(world.chance.oneIn(12) ? CLASHING : FILES)
}

function someNode(world: World, host: SimHost): string | null {
  const paths = [...treeOf(host.disk).keys()]
  return paths.length === 0 ? null : world.chance.pick(paths)
}

function someFile(world: World, host: SimHost): string | null {
  const files = [...treeOf(host.disk)].flatMap(([path, node]) => (node.kind === 'file' ? [path] : []))
  return files.length === 0 ? null : world.chance.pick(files)
}

function isDirectory(host: SimHost, path: string): boolean {
  return treeOf(host.disk).get(path)?.kind === 'directory'
}
