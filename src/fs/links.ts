/** Symbolic links as links: read, and made in staging to be renamed into place. Never followed. */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { attempt, changedError } from './fs-errors.ts'
import { type Leaf } from './handles.ts'
import { type Place } from './layout.ts'
import { KEEP_ID, type Ownership } from './ownership.ts'
import { FsError } from './root.ts'
import { changeLinkOwner, makeSymlink, readSymlink } from './system-calls.ts'

/** The target of the link at `place`. */
export async function readLink({ dir, name, shown }: Place): Promise<string> {
  const kind = dir.lstat(name)?.kind
  if (kind !== undefined && kind !== 'link') throw changedError(shown)
  const target = await attempt(shown, 'cannot read the link', () => readSymlink(dir.at(name), { encoding: 'buffer' }))
  if (!isUtf8(target)) throw new FsError('io', shown, 'the target of the link is not UTF-8')
  return target.toString('utf8')
}

/** A name in staging that nothing left there by a crash can have. */
export function newLinkName(): string {
  return `link-${randomUUID()}`
}

export function isLinkName(name: string): boolean {
  return name.startsWith('link-')
}

/** Makes a link in staging. `path` is where it will go. */
export async function stageLink(
  { dir, name }: Leaf,
  path: string,
  target: string,
  { owner, group }: Ownership,
): Promise<void> {
  await attempt(path, 'cannot make the link', async () => {
    await makeSymlink(target, dir.at(name))
    if (owner !== null || group !== null) await changeLinkOwner(dir.at(name), owner ?? KEEP_ID, group ?? KEEP_ID)
  })
}
