/** What stands under the final names of hosts, each file hashed once as long as it is the same one. */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { blake3 } from '../../src/base/blake3.ts'
import { type Host } from './cluster.ts'

interface Seen {
  /** Inode, size and times: equal ones are the same file, unchanged. */
  readonly mark: string
  readonly hash: string
}

export class VerifiedFiles {
  /** Of each path all that a user ever put there, the last at the end. */
  readonly #written = new Map<string, string[]>()
  readonly #seen = new Map<string, Seen>()

  /** A user is about to put this there. */
  written(path: string, hash: string): void {
    this.#written.set(path, [...(this.#written.get(path) ?? []), hash])
  }

  /** Throws where a file is nothing that a user ever put there. */
  check(hosts: readonly Host[]): void {
    for (const host of hosts)
      for (const [path, written] of this.#written) {
        const hash = this.#hashOf(host, path)
        assert.ok(hash === null || written.includes(hash), `${host.path(path)} is nothing that was ever written`)
      }
  }

  /** What stands there is what was put there last. */
  has(host: Host, path: string): boolean {
    return this.#hashOf(host, path) === this.#written.get(path)?.at(-1)
  }

  hasAll(host: Host, paths: ReadonlyMap<string, unknown>): boolean {
    return [...paths.keys()].every((path) => this.has(host, path))
  }

  #hashOf(host: Host, path: string): string | null {
    const full = host.path(path)
    const mark = markOf(full)
    const seen = this.#seen.get(full)
    if (mark === null || mark === seen?.mark) return mark === null ? null : (seen?.hash ?? null)
    const content = contentOf(full)
    if (content === null) return null
    const hash = blake3(content).toString('hex')
    if (markOf(full) === mark) this.#seen.set(full, { mark, hash })
    return hash
  }
}

/** Null where it has just been taken away. */
export function contentOf(full: string): Buffer | null {
  try {
    return readFileSync(full)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function markOf(full: string): string | null {
  const stat = statSync(full, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? null : [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ')
}
