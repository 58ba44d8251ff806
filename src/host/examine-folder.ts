/** What `doctor` finds in a folder's root, whether the daemon runs or not. */
import { readFileSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding } from '../api/finding.ts'
import { type FolderConfig } from '../config/config.ts'
import { type ExaminedIndex } from '../db/examine.ts'
import { parseMarker } from '../fs/meta-files.ts'
import { networkFilesystem } from '../scan/watched-filesystem.ts'
import { bad, fine, isWritable, note } from './examine-storage.ts'

/** `index` is null where it cannot be looked into: then the daemon says itself whether the folder is halted. */
export function examineFolder(own: FolderConfig, index: ExaminedIndex | null): readonly Finding[] {
  const { dir } = own
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory())
    return [bad(`${dir} is not there, or no directory`, `mount its disk, or \`mkdir ${dir}\``)]
  if (!isWritable(dir))
    return [
      bad(
        `${dir} cannot be written by this user`,
        `chown it to the daemon's user, or run doctor as that user; under systemd add \`ReadWritePaths=-${dir}\` (\`systemctl edit isosyncd\`)`,
      ),
    ]
  const found = [...markerOf(own, index), ...roomOf(own), ...eventsOf(own)]
  return found.some(({ level }) => level !== 'note')
    ? found
    : [fine(`${dir} is there, can be written, and has room`), ...found]
}

function markerOf({ dir, metaDir, keys }: FolderConfig, index: ExaminedIndex | null): Finding[] {
  const file = join(metaDir ?? join(dir, '.sync'), 'folder.json')
  let marker
  try {
    marker = parseMarker(readFileSync(file, 'utf8'), file)
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (!isMissing)
      return [
        bad(
          `the marker ${file} cannot be read: ${String(error)}; the folder halts`,
          `mend the disk, or restore ${file}`,
        ),
      ]
    if (index?.known.has(keys.id) !== true)
      return [note(`${dir} has no marker yet: it is made when the folder is used first`)]
    return [
      bad(
        `the marker ${file} is missing, although this host has had files there: is the disk mounted? The folder halts, and nothing is deleted`,
        `\`mount ${dir}\`. If the root was replaced on purpose: start the daemon, then \`isosyncd new-identity\``,
      ),
    ]
  }
  if (marker.folder !== keys.id)
    return [
      bad(
        `the marker ${file} is that of another folder: is the right disk mounted, and the right secret in the config?`,
        `mount the right disk at ${dir}, or mend the secret in the config`,
      ),
    ]
  if (index === null || index.replica === null || index.replica === marker.replica || !index.known.has(keys.id))
    return []
  return [
    bad(
      `the marker ${file} is that of another host or index (${marker.replica}, here ${index.replica}): the wrong disk, or a storage_path that was copied from another host. The folder halts`,
      `mount the right disk; on a copied host: start the daemon, then \`isosyncd new-identity\``,
    ),
  ]
}

function roomOf({ dir, minFreeBytes }: FolderConfig): Finding[] {
  const { bavail, bsize } = statfsSync(dir)
  const free = bavail * bsize
  if (free > minFreeBytes) return []
  return [
    bad(
      `${dir} has ${Math.floor(free / (1 << 20))} MiB free, and min_free_space asks for ${Math.floor(minFreeBytes / (1 << 20))}: nothing is received`,
      `make room: \`isosyncd archive purge --older-than 7\`, or a larger disk; it goes on by itself`,
    ),
  ]
}

function eventsOf({ dir }: FolderConfig): Finding[] {
  const network = networkFilesystem(statfsSync(dir).type)
  if (network === null) return []
  return [
    note(
      `${dir} lies on ${network}: changes by other machines are found by the rescan only; \`isosyncd rescan\` looks at once`,
    ),
  ]
}
