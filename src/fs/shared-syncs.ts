/**
 * One fsync of a directory for all who have changed it: many small files come into one directory, and a sync that begins
 * after a change writes it out, whoever asked for it.
 */
import { fstatSync } from 'node:fs'

export class SharedSyncs {
  readonly #syncFile: (fd: number) => Promise<void>
  /** By directory: the sync under way, and the one that has not begun. */
  readonly #running = new Map<string, Promise<void>>()
  readonly #next = new Map<string, Promise<void>>()

  constructor(needs: { syncFile: (fd: number) => Promise<void> }) {
    this.#syncFile = needs.syncFile
  }

  /** Resolves when all changes made before the call are on the disk. The caller keeps `fd` open until then. */
  sync(fd: number, directory = identityOf(fd)): Promise<void> {
    const next = this.#next.get(directory) ?? this.#afterTheOther(directory, fd)
    this.#next.set(directory, next)
    return next
  }

  async #afterTheOther(directory: string, fd: number): Promise<void> {
    await this.#running.get(directory)?.catch(() => undefined) // whoever asked for it hears of its failure
    await Promise.resolve() // what is asked for in the same breath is asked for together
    this.#next.delete(directory)
    const sync = this.#syncFile(fd).finally(() => {
      if (this.#running.get(directory) === sync) this.#running.delete(directory)
    })
    this.#running.set(directory, sync)
    await sync
  }
}

export function identityOf(fd: number): string {
  const { dev, ino } = fstatSync(fd)
  return `${dev}:${ino}`
}
