/** What may stand where the root of a host was: made with real mounts, on a disk of the host's own. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Cluster, type Host } from './cluster.ts'
import { DetachableDisk } from './detachable-disk.ts'

export const TROUBLES = ['unmounted', 'foreign', 'empty', 'gone', 'unmarked', 'read-only'] as const
export type Trouble = (typeof TROUBLES)[number]

const DISK_BYTES = 48 << 20
const MARKER = join('.sync', 'folder.json')

export class Mounts implements Disposable {
  readonly #host: Host
  readonly #other: Host
  readonly #own: DetachableDisk
  #wrong: DetachableDisk | null = null
  #marker = ''

  private constructor(cluster: Cluster, own: DetachableDisk) {
    this.#host = cluster.host(0)
    this.#other = cluster.host(1)
    this.#own = own
  }

  /** Before the daemons start: the root of the first host gets a disk of its own. Null where nothing can be mounted. */
  static on(cluster: Cluster): Mounts | null {
    const { home, dir } = cluster.host(0)
    const own = DetachableDisk.make(`${home}.disk`, DISK_BYTES)
    return own?.mount(dir) === true ? new Mounts(cluster, own) : null
  }

  make(trouble: Trouble, round: number): void {
    const { dir } = this.#host
    switch (trouble) {
      case 'unmarked':
        this.#marker = readFileSync(this.#host.path(MARKER), 'utf8')
        return rmSync(this.#host.path(MARKER))
      case 'read-only':
        return this.#own.coverReadOnly(dir)
      case 'unmounted':
        return this.#own.detach(dir)
      case 'gone':
        this.#own.detach(dir)
        return rmdirSync(dir)
      case 'empty':
        return this.#replace(round)
      case 'foreign':
        this.#replace(round)
        return this.#fill(round)
    }
  }

  undo(trouble: Trouble): void {
    const { dir } = this.#host
    if (trouble === 'unmarked') return writeFileSync(this.#host.path(MARKER), this.#marker)
    if (trouble === 'read-only') return this.#own.detach(dir)
    this.#wrong?.detach(dir)
    this.#wrong = null
    this.#own.mount(dir)
  }

  /** All that lies where the root should be, ours too: names, sizes, times. */
  seen(): readonly string[] {
    const { dir } = this.#host
    if (!existsSync(dir)) return ['nothing']
    const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()
    return names.map((name) => {
      const { size, mtimeMs, ctimeMs } = statSync(join(dir, name))
      return [name, size, mtimeMs, ctimeMs].join(' ')
    })
  }

  [Symbol.dispose](): void {
    if (this.#wrong !== null) this.#wrong[Symbol.dispose]()
    this.#own[Symbol.dispose]()
  }

  #replace(round: number): void {
    const { dir, home } = this.#host
    this.#own.detach(dir)
    this.#wrong = DetachableDisk.make(`${home}.disk-of-round-${round}`, DISK_BYTES)
    this.#wrong?.mount(dir)
  }

  /** Another pool: by turns that of another folder, and that of another host of this one; some names are the same. */
  #fill(round: number): void {
    const strange = { folder: randomBytes(16).toString('hex'), replica: randomBytes(8).toString('hex') }
    const marker = this.#host.path(MARKER)
    mkdirSync(dirname(marker))
    writeFileSync(marker, round % 4 < 2 ? JSON.stringify(strange) : readFileSync(this.#other.path(MARKER)))
    mkdirSync(this.#host.path('images'))
    for (const name of ['images/0.iso', 'images/1.iso', 'foreign.iso'])
      writeFileSync(this.#host.path(name), randomBytes(5000))
  }
}
