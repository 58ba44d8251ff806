/** A small filesystem of a host's own: ext4 or XFS in a file, mounted where its pool or its storage lies. Needs root. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const PATIENCE_MS = 20_000
const FILL_BYTES = 64 * 1024
export const BLOCK_BYTES = 4096

const MAKE = {
  ext4: ['mkfs.ext4', '-q', '-m', '0', '-b', String(BLOCK_BYTES)],
  xfs: ['mkfs.xfs', '-q', '-b', `size=${BLOCK_BYTES}`],
} as const

export class LoopDisk implements Disposable {
  readonly dir: string
  /** The file that holds the filesystem. */
  readonly image: string

  private constructor(dir: string) {
    this.dir = dir
    this.image = `${dir}.disk`
  }

  /** Before the daemon starts. Null where loop devices or mounts are not allowed. */
  static at(dir: string, bytes: number, kind: keyof typeof MAKE = 'ext4'): LoopDisk | null {
    const disk = new LoopDisk(dir)
    writeFileSync(disk.image, '')
    truncateSync(disk.image, bytes)
    mkdirSync(dir, { recursive: true })
    const [command, ...words] = MAKE[kind]
    if (!run(command, ...words, disk.image) || !run('mount', '-o', 'loop', disk.image, dir)) return null
    rmSync(join(dir, 'lost+found'), { recursive: true, force: true }) // or it would be synced like any other
    return disk
  }

  /** Major and minor number of its device. */
  device(): string {
    return spawnSync('mountpoint', ['-d', this.dir], { encoding: 'utf8' }).stdout.trim()
  }

  /** Fills it to the last byte with one file, at `name`. */
  fill(name: string): void {
    const fd = openSync(join(this.dir, name), 'a')
    try {
      for (let bytes = FILL_BYTES; bytes > 0;) if (!writes(fd, bytes)) bytes >>= 1
    } finally {
      closeSync(fd)
    }
  }

  empty(name: string): void {
    rmSync(join(this.dir, name), { force: true })
  }

  /** As a kernel does with a filesystem that has errors ('ro'). False where a writer is in the way. */
  remount(how: 'ro' | 'rw'): boolean {
    return run('mount', '-o', `remount,${how}`, this.dir)
  }

  [Symbol.dispose](): void {
    for (const end = Date.now() + PATIENCE_MS; !run('umount', this.dir) && Date.now() < end;)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
}

function writes(fd: number, bytes: number): boolean {
  try {
    return writeSync(fd, Buffer.alloc(bytes, 1)) > 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}

function run(command: string, ...words: string[]): boolean {
  return spawnSync(command, words, { stdio: 'ignore' }).status === 0
}
