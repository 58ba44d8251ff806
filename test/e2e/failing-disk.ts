/**
 * A disk of which the second half gives I/O errors, and later works again: the file under the loop device is cut short,
 * so that the kernel fails whatever it reads behind the cut, directories and inodes too. (Device mapper has a target
 * for that, but not every kernel has device mapper.)
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { type Host } from './cluster.ts'
import { DetachableDisk } from './detachable-disk.ts'

const DISK_BYTES = 64 << 20
const KEPT_BYTES = DISK_BYTES / 2
/** Small block groups, each with the inodes of its own directories; no journal, so that reading writes nothing. */
const LAYOUT = ['-b', '1024', '-g', '8192', '-O', '^has_journal,^flex_bg,^resize_inode']
/** Inodes of the half that is kept: each group has as many. */
const KEPT_INODES = 8192

/** Where its pool lies. */
type Place = Pick<Host, 'home' | 'dir' | 'path'>

export class FailingDisk implements Disposable {
  /** Directories of the pool, half of them on the part that fails. */
  readonly directories: readonly string[]
  readonly #host: Place
  readonly #disk: DetachableDisk
  #lost: Buffer | null = null

  private constructor(host: Place, disk: DetachableDisk, directories: readonly string[]) {
    this.#host = host
    this.#disk = disk
    this.directories = directories
  }

  /** Before the daemon starts. Null where loop devices or mounts are not allowed. */
  static under(host: Place, directories: number): FailingDisk | null {
    const disk = DetachableDisk.make(`${host.home}.disk`, DISK_BYTES, LAYOUT)
    if (disk?.mount(host.dir) !== true) return null
    makeDirectory(host, '.sync', 'kept') // the folder would halt, and look no further
    const names = Array.from({ length: directories }, (_, i) => `dir-${i}`)
    for (const [i, name] of names.entries()) makeDirectory(host, name, i % 2 === 0 ? 'lost' : 'kept')
    return new FailingDisk(host, disk, names)
  }

  /** While the daemon does not run: nothing of the disk may be in memory. */
  fail(): void {
    this.#disk.unmount(this.#host.dir)
    this.#disk.mount(this.#host.dir, 'noatime')
    const fd = openSync(this.#disk.image, 'r')
    this.#lost = Buffer.alloc(DISK_BYTES - KEPT_BYTES)
    readSync(fd, this.#lost, 0, this.#lost.length, KEPT_BYTES)
    closeSync(fd)
    truncateSync(this.#disk.image, KEPT_BYTES)
  }

  mend(): void {
    const fd = openSync(this.#disk.image, 'r+')
    if (this.#lost !== null) writeSync(fd, this.#lost, 0, this.#lost.length, KEPT_BYTES)
    closeSync(fd)
    this.#lost = null
  }

  [Symbol.dispose](): void {
    this.mend()
    this.#disk[Symbol.dispose]()
  }
}

/** The filesystem chooses a group for each new directory: until it is one of the half that is asked for. */
function makeDirectory(host: Place, name: string, half: 'kept' | 'lost'): void {
  const tried: string[] = []
  for (;;) {
    const path = host.path(`${name}.${tried.length}`)
    mkdirSync(path)
    if (statSync(path).ino <= KEPT_INODES === (half === 'kept')) {
      renameSync(path, host.path(name))
      return tried.forEach((other) => rmdirSync(other))
    }
    tried.push(path)
  }
}
