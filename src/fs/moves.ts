/** Renames that replace nothing, and the check that what was renamed is what the caller believed in. */
import * as native from '../base/native.ts'
import { type Stat } from '../sync/entry.ts'
import { attempt, errnoName } from './fs-errors.ts'
import { type Leaf } from './handles.ts'
import { hastily, linkFile, renameFile, unlinkFile } from './system-calls.ts'

const renameNoReplace = hastily(native.renameNoReplaceSync, native.renameNoReplace)

/**
 * Renames `from` to `to`; false, with nothing done, when something stands at `to`. Where the kernel cannot rename
 * without replacing, it looks first and renames then. Both names are taken by handle.
 */
export function renameNew(from: Leaf, to: Leaf): Promise<boolean> {
  return attempt(from.dir.showChild(from.name), `cannot rename it to ${to.dir.showChild(to.name)}`, async () => {
    const done = await renameNoReplace(from.dir.fd, from.name, to.dir.fd, to.name)
    if (done !== null) return done
    if (to.dir.lstat(to.name) !== null) return false
    await renameFile(from.dir.at(from.name), to.dir.at(to.name))
    return true
  })
}

/**
 * The same for a file that nobody but us touches at `from` (staging): where the kernel cannot, a hard link and an
 * unlink do it without a gap in which a user's new file at `to` could be replaced.
 */
export function publishNew(from: Leaf, to: Leaf): Promise<boolean> {
  return attempt(to.dir.showChild(to.name), 'cannot install it', async () => {
    const done = await renameNoReplace(from.dir.fd, from.name, to.dir.fd, to.name)
    if (done !== null) return done
    try {
      await linkFile(from.dir.at(from.name), to.dir.at(to.name))
    } catch (error) {
      if (errnoName(error) === 'EEXIST') return false
      return renameNew(from, to) // no hard links here (vfat), or the real trouble shows again
    }
    await unlinkFile(from.dir.at(from.name))
    return true
  })
}

/** Renames over what stands at `to`. */
export function renameOver(from: Leaf, to: Leaf): Promise<void> {
  return attempt(to.dir.showChild(to.name), 'cannot install it', () =>
    renameFile(from.dir.at(from.name), to.dir.at(to.name)),
  )
}

/** True when `now`, seen after a rename (which changes the ctime), is the file that `before` describes. */
export function isMoved(before: Stat, now: Stat | null): boolean {
  if (now === null || now.kind !== before.kind || now.inode !== before.inode) return false
  return now.size === before.size && now.mtimeUs === before.mtimeUs
}
