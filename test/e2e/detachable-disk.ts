/**
 * A filesystem in a file of its own, mounted through a loop device: a disk that tests may fill, unmount and break. Needs
 * root; where there are no loop devices or mounts, `make` is null and the test says that it was skipped.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PATIENCE_MS = 60_000
const AGAIN_MS = 100

export class DetachableDisk implements Disposable {
  readonly image: string
  /** A directory twice where the disk is mounted over itself. */
  readonly #mountedAt: string[] = []

  private constructor(image: string) {
    this.image = image
  }

  /** `features` are further words for mkfs.ext4. */
  static make(image: string, bytes: number, features: readonly string[] = []): DetachableDisk | null {
    writeFileSync(image, '')
    truncateSync(image, bytes)
    return run('mkfs.ext4', '-q', ...features, image) ? new DetachableDisk(image) : null
  }

  /** False where that is not allowed. A first mount takes lost+found away, which would be synced like any other. */
  mount(dir: string, options = 'rw'): boolean {
    mkdirSync(dir, { recursive: true })
    if (!run('mount', '-o', `loop,${options}`, this.image, dir)) return false
    this.#mountedAt.push(dir)
    if (options === 'rw') removeEmpty(join(dir, 'lost+found'))
    return true
  }

  /** As when the disk is pulled: whoever has a file of it open keeps that file, and nobody else sees any. */
  detach(dir: string): void {
    if (!run('umount', '--lazy', dir)) throw new Error(`${dir} cannot be unmounted`)
    this.#forget(dir)
  }

  /** Waits for those that still use it to end: whoever went on regardless would test nothing. */
  unmount(dir: string): void {
    for (const end = Date.now() + PATIENCE_MS; !run('umount', dir);) {
      if (Date.now() > end) throw new Error(`${dir} cannot be unmounted: something still uses it`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS)
    }
    this.#forget(dir)
  }

  /** From now on the same files may not be written to by this path; those that are open still may. */
  coverReadOnly(dir: string): void {
    if (!run('mount', '--bind', '-o', 'ro', dir, dir)) throw new Error(`${dir} cannot be mounted read-only`)
    this.#mountedAt.push(dir)
  }

  [Symbol.dispose](): void {
    for (const dir of this.#mountedAt.toReversed()) this.unmount(dir)
  }

  #forget(dir: string): void {
    this.#mountedAt.splice(this.#mountedAt.lastIndexOf(dir), 1)
  }
}

function run(command: string, ...words: string[]): boolean {
  return spawnSync(command, words, { stdio: 'ignore' }).status === 0
}

function removeEmpty(dir: string): void {
  try {
    rmdirSync(dir)
  } catch {
    // not there, or somebody's
  }
}
