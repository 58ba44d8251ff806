/** Whether files can be renamed between the root and meta_dir: checked when a root is claimed, not at the first file. */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DirHandle, isNothing } from './handles.ts'
import { type Layout } from './layout.ts'
import { FsError } from './root.ts'

/**
 * Throws where meta_dir is not on the root's filesystem and mount: no rename leads from one to the other. A bind
 * mount of the same filesystem counts as another (EXDEV), and systemd's ReadWritePaths= makes one for each path.
 */
export function checkSameFilesystem(layout: Layout): void {
  if (layout.metaDir === layout.dir)
    throw new FsError('io', layout.dir, 'meta_dir cannot be the folder itself; choose a directory beside it')
  using top = layout.openTop()
  using meta = nearestExisting(layout.metaDir)
  if (mountOf(top) === mountOf(meta)) return
  throw new FsError(
    'io',
    layout.metaDir,
    `it is on another filesystem or mount than ${layout.dir}, and files cannot be renamed between the two; set meta_dir to a directory on the same one (in a systemd unit: one ReadWritePaths= entry above both)`,
  )
}

function nearestExisting(path: string): DirHandle {
  try {
    return DirHandle.open(path, path)
  } catch (error) {
    if (isNothing(error) && dirname(path) !== path) return nearestExisting(dirname(path))
    throw error
  }
}

function mountOf(dir: DirHandle): string {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${dir.fd}`, 'utf8'))?.[1] ?? ''
}
