/**
 * chokidar, taught not to read a directory again for every write to a file in it. As it comes, it lists the directory
 * and looks at each of its files after any event, over and over while a file grows: an upload into a directory of
 * 2,000 files took 85 % of a core, of 20,000 more than one. All we want of that reading is to learn of new
 * directories, so a directory is read again only when a directory in it has come or gone. It also says when a watch
 * stands: chokidar tells of a new directory before it has read it, and watches it after.
 *
 * It reaches into chokidar 5 (`_handleRead`, `_readdirp`, `_remove`, `_watchWithNodeFs`); watcher-chokidar.test.ts fails
 * if a later one differs.
 */
import { lstatSync } from 'node:fs'
import { Readable } from 'node:stream'
import { type ChokidarOptions, FSWatcher } from 'chokidar'
import { type DirectoryEntry, subdirectories } from './watcher-directories.ts'

type ReaddirpStream = NonNullable<ReturnType<FSWatcher['_readdirp']>>

export class CalmChokidar extends FSWatcher {
  /** For each directory that is watched: reads it again. */
  readonly #rereads = new Map<string, () => void>()

  /** `watched`: from now on there are events of what changes in the directory. */
  constructor(options: ChokidarOptions, watched: (directory: string) => void) {
    super(options)
    const handler = this._nodeFsHandler
    const watch = handler._watchWithNodeFs.bind(handler)
    handler._watchWithNodeFs = (directory, listener) => {
      const closer = watch(directory, listener)
      watched(directory)
      return closer
    }
    const read = handler._handleRead.bind(handler)
    handler._handleRead = (directory, initialAdd, wh, target, dir, depth, throttler) => {
      // With a throttler it comes from a reading that has just ended and was asked for again meanwhile.
      const isEvent = (throttler as unknown) === undefined && this.#rereads.has(directory)
      if (isEvent) return undefined
      this.#rereads.set(directory, () => void read(directory, false, wh, target, dir, depth, undefined as never))
      return read(directory, initialAdd, wh, target, dir, depth, throttler)
    }
    this.on('raw', (event, name, details) => this.#changed(event, name, details))
    this.on('unlinkDir', (path) => this.#rereads.delete(path))
  }

  /** All that is watched are directories: nothing else is looked at. */
  override _readdirp(...[root, options]: Parameters<FSWatcher['_readdirp']>): ReturnType<FSWatcher['_readdirp']> {
    if (this.closed) return undefined
    const isWanted = options?.directoryFilter as ((entry: DirectoryEntry) => boolean) | undefined
    const stream = Readable.from(
      subdirectories(root, (entry) => isWanted?.(entry) ?? true),
    ) as unknown as ReaddirpStream
    this._streams.add(stream)
    stream.once('close', () => this._streams.delete(stream))
    return stream
  }

  /** Finds and watches directories in `directory` that have escaped notice. */
  reread(directory: string): void {
    if (!this.closed) this.#rereads.get(directory)?.()
  }

  #changed(event: string, name: unknown, details: unknown): void {
    if (event !== 'rename' || typeof name !== 'string') return
    const { watchedPath } = details as { readonly watchedPath: string }
    const path = childOf(watchedPath, name)
    if (this.#rereads.has(path)) {
      this._remove(watchedPath, name, true) // it went, or another directory stands there: its watch is of no use
      this.reread(watchedPath)
    } else if (watchedPath.endsWith(`/${name}`)) this.reread(watchedPath)
    else if (isDirectory(path)) this.reread(watchedPath)
  }
}

/** What lies in a directory whose path is in order: it is asked for with each event. */
export function childOf(directory: string, name: string): string {
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`
}

/** What has just come is in the cache: asked for right here it costs a third of a call on a thread. */
function isDirectory(path: string): boolean {
  try {
    return lstatSync(path).isDirectory()
  } catch {
    return false // it has gone again
  }
}
