/** The marker (which folder and replica this root belongs to) and the ignore list, both small files in meta_dir. */
import { closeSync, constants } from 'node:fs'
import { attempt, errnoName } from './fs-errors.ts'
import { type DirHandle, isNothing, type Leaf } from './handles.ts'
import { type Layout } from './layout.ts'
import { renameOver } from './moves.ts'
import { openRegular } from './open-file.ts'
import { FsError, type Marker } from './root.ts'
import { openFile, syncFile, unlinkFile, writeTo } from './system-calls.ts'

const MARKER_NAME = 'folder.json'
const IGNORE_LIST_NAME = 'IgnoreList'
/** Larger than any marker or list that a person writes; a limit so that a wrong file does not fill the memory. */
const MAX_META_FILE_BYTES = 1024 * 1024
/** Enough for the blocks that a filesystem needs of a sudden: directories, its tree of extents. */
const PROBE_BYTES = 1024 * 1024
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants

export async function readMarker(layout: Layout): Promise<Marker | null> {
  const text = await readIfThere(layout, MARKER_NAME)
  return text === null ? null : parseMarker(text, `${layout.metaDir}/${MARKER_NAME}`)
}

export async function writeMarker(layout: Layout, marker: Marker): Promise<void> {
  const { folder, replica } = marker
  await writeMetaFile(layout, MARKER_NAME, `${JSON.stringify({ folder, replica }, null, 2)}\n`)
}

export async function readIgnoreList(layout: Layout, defaultText: string): Promise<string> {
  const text = await readIfThere(layout, IGNORE_LIST_NAME)
  if (text !== null) return text
  await writeMetaFile(layout, IGNORE_LIST_NAME, defaultText)
  return defaultText
}

/** What the marker's text says; anything but a marker is an error, not an absence. */
export function parseMarker(text: string, shown: string): Marker {
  try {
    const { folder, replica } = JSON.parse(text) as Record<string, unknown>
    if (typeof folder === 'string' && typeof replica === 'string') return { folder, replica }
  } catch {
    // said below
  }
  throw new FsError('io', shown, 'it is damaged: it does not say which folder this is; the folder halts until it does')
}

/** A file comes and goes: what a full disk, a quota or a read-only filesystem says to that is thrown. */
export async function assertWritable(layout: Layout): Promise<void> {
  using meta = await layout.makeMeta()
  const probe = { dir: meta, name: 'probe.new' }
  try {
    await writeFresh(probe, Buffer.alloc(PROBE_BYTES))
  } finally {
    await unlinkFile(meta.at(probe.name)).catch(() => {}) // it was the making that failed
  }
}

async function readIfThere(layout: Layout, name: string): Promise<string | null> {
  try {
    using meta = layout.openMeta()
    return await readSmall(meta, name)
  } catch (error) {
    if (isNothing(error)) return null
    throw error
  }
}

async function readSmall(meta: DirHandle, name: string): Promise<string> {
  const file = openRegular({ dir: meta, name })
  try {
    const { size } = await file.stat()
    if (size > MAX_META_FILE_BYTES)
      throw new FsError('io', file.shown, `it has ${size} bytes, more than the ${MAX_META_FILE_BYTES} that it may have`)
    const bytes = Buffer.alloc(size)
    return bytes.toString('utf8', 0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

/** Replaces the file whole: a crash leaves the old or the new one. */
async function writeMetaFile(layout: Layout, name: string, text: string): Promise<void> {
  using meta = await layout.makeMeta()
  const fresh = { dir: meta, name: `${name}.new` }
  await writeFresh(fresh, Buffer.from(text))
  await renameOver(fresh, { dir: meta, name })
  await meta.sync()
}

/** Writes a new file out to disk, in place of what a crash may have left under its name. */
async function writeFresh({ dir, name }: Leaf, bytes: Buffer): Promise<void> {
  await attempt(dir.showChild(name), 'cannot write it', async () => {
    await unlinkFile(dir.at(name)).catch((error: unknown) => {
      if (errnoName(error) !== 'ENOENT') throw error
    })
    const fd = await openFile(dir.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)
    try {
      for (let done = 0; done < bytes.length;) done += await writeTo(fd, bytes, done, done)
      await syncFile(fd)
    } finally {
      closeSync(fd)
    }
  })
}
