/**
 * The watcher: hints of where to look. It promises nothing (events get lost, and the system does not say so); the
 * scanner is the truth. chokidar sets a watch for each file it knows of, so it is told to ignore all but directories:
 * one watch a directory, and its 'raw' events still name what changed in it.
 */
import { realpathSync, type Stats } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { OWN_DIRECTORY, parsePath } from '../sync/path.ts'
import { CalmChokidar, childOf } from './watcher-chokidar.ts'
import { HintQueue } from './hint-queue.ts'
import { networkFilesystem } from './watched-filesystem.ts'

export interface WatcherOptions {
  /** Absolute. */
  readonly dir: string
  /** Absolute; never watched, wherever it is. */
  readonly metaDir: string
}

export interface WatcherNeeds {
  /** No watches below an ignored directory, no hints of an ignored path. */
  readonly ignored: (path: RelPath) => boolean
  /** Something may have changed at this path or, if it is a directory, in it. Each path at most once in 50 ms. */
  readonly onHint: (path: RelPath) => void
  /** Events do not come, or not all: said once for each reason, in the operator's words. The rescan carries on. */
  readonly onTrouble: (text: string) => void
  readonly clock: Pick<Clock, 'after'>
}

export interface Watcher {
  /** Resolves when all directories that were there at first are watched; never where the disk fails. */
  readonly ready: Promise<void>
  /** Some directory could not be watched, for a reason that may pass: a new watcher may do better. */
  readonly hasFailed: boolean
  close(): Promise<void>
}

/** Begins to watch. Never throws: what goes wrong is told through `onTrouble`. */
export function createWatcher(options: WatcherOptions, needs: WatcherNeeds): Watcher {
  return new DirectoryWatcher(options, needs)
}

class DirectoryWatcher implements Watcher {
  readonly ready: Promise<void>
  /** As the kernel knows it: chokidar would watch a root that is a link as a link. */
  readonly #dir: string
  /** Below these are our own files. */
  readonly #ours: readonly string[]
  readonly #needs: WatcherNeeds
  readonly #hints: HintQueue
  readonly #told = new Set<string>()
  /** New directories whose watch does not stand yet. */
  readonly #unwatched = new Set<string>()
  readonly #chokidar: CalmChokidar
  #closed = false
  #hasFailed = false

  constructor({ dir, metaDir }: WatcherOptions, needs: WatcherNeeds) {
    this.#dir = realPath(dir)
    this.#ours = [join(this.#dir, OWN_DIRECTORY), realPath(metaDir)]
    this.#needs = needs
    this.#hints = new HintQueue({ clock: needs.clock, onHint: needs.onHint })
    const options = {
      ignored: (path: string, stats?: Stats) => this.#isIgnored(path, stats),
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false, // else it leaves out editors' files by its own list, and holds back deletions
      ignorePermissionErrors: true, // the scanner tells of them
    }
    this.#chokidar = new CalmChokidar(options, (path) => this.#watched(path))
    const watched = new Promise<void>((resolve) => this.#chokidar.once('ready', resolve))
    this.#listen()
    this.#chokidar.add(this.#dir)
    this.ready = Promise.all([watched, this.#checkFilesystem()]).then(() => {})
  }

  get hasFailed(): boolean {
    return this.#hasFailed
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#hints.close()
    await this.#chokidar.close()
  }

  #listen(): void {
    this.#chokidar.on('error', (error) => this.#failed(error))
    this.#chokidar.on('raw', (_event, name, details) => this.#changed(name, details))
    this.#chokidar.on('addDir', (path) => this.#appeared(path))
    this.#chokidar.on('unlinkDir', (path) => {
      this.#unwatched.delete(path)
      this.#hint(path)
      if (path === this.#dir) this.#tell('gone', `${this.#dir} is no longer there: no events come from it`)
    })
  }

  /** An event of a watched directory: `name` lies in it, or is its own name when it was itself moved or removed. */
  #changed(name: unknown, details: unknown): void {
    const { watchedPath } = details as { readonly watchedPath: string }
    if (typeof name !== 'string' || name === '') return this.#hint(watchedPath)
    this.#hint(childOf(watchedPath, name))
    if (watchedPath.endsWith(`/${name}`)) this.#hint(watchedPath)
  }

  #appeared(path: string): void {
    this.#unwatched.add(path)
    this.#hint(path)
  }

  /** What was put into a new directory before its watch stood makes no event: it is looked at once more. */
  #watched(path: string): void {
    if (!this.#unwatched.delete(path)) return
    this.#chokidar.reread(path)
    this.#hint(path)
  }

  #hint(absolute: string): void {
    const path = this.#closed ? null : this.#pathOf(absolute)
    if (path !== null && !this.#isOurs(absolute) && !this.#needs.ignored(path)) this.#hints.add(path)
  }

  /** chokidar asks with `stats` where it has them, and once without for each path. */
  #isIgnored(absolute: string, stats: Stats | undefined): boolean {
    if (stats !== undefined && !stats.isDirectory()) return true
    if (absolute === this.#dir) return false
    if (this.#isOurs(absolute)) return true
    const path = this.#pathOf(absolute)
    return path === null || this.#needs.ignored(path)
  }

  #isOurs(absolute: string): boolean {
    return this.#ours.some((ours) => absolute === ours || absolute.startsWith(`${ours}/`))
  }

  /** Null for the root itself and for what is no path (a name that is not UTF-8 is left to the rescan). */
  #pathOf(absolute: string): RelPath | null {
    const isBelow = absolute.startsWith(this.#dir) && absolute[this.#dir.length] === '/'
    return parsePath(isBelow ? absolute.slice(this.#dir.length + 1) : relative(this.#dir, absolute))
  }

  async #checkFilesystem(): Promise<void> {
    const type = await statfs(this.#dir).then(
      (stats) => networkFilesystem(stats.type),
      () => null,
    )
    if (type === null || this.#closed) return
    this.#tell(
      'network',
      `${this.#dir} is on ${type}: changes that other machines make there cause no events here and are only seen by the rescan. Set a shorter folder_rescan_interval, or run isosyncd on the machine that holds the disk`,
    )
  }

  #failed(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'ENOSPC' || code === 'EMFILE') return this.#tell('limit', tooFewWatches(this.#dir, code))
    this.#hasFailed = true
    const said = error instanceof Error ? error.message : String(error)
    this.#tell(
      code,
      `${this.#dir}: watching for changes failed (${said}): some are only seen by the rescan, which tries to watch all again`,
    )
  }

  #tell(reason: string, text: string): void {
    if (this.#closed || this.#told.has(reason)) return
    this.#told.add(reason)
    this.#needs.onTrouble(text)
  }
}

function tooFewWatches(dir: string, code: 'ENOSPC' | 'EMFILE'): string {
  const key = code === 'ENOSPC' ? 'fs.inotify.max_user_watches' : 'fs.inotify.max_user_instances'
  return `${dir}: the system allows no more watches (${code}), so changes in some directories are only seen by the rescan. Raise the limit with \`sysctl -w ${key}=N\` (and a file in /etc/sysctl.d), about one watch for each directory, and restart isosyncd`
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}
