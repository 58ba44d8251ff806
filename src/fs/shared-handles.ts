/**
 * Handles of directories, shared by all who want the same one in one breath (a turn of the event loop): many small files
 * lie in one directory, and walking there costs several times what is done to each. In the next breath it is walked
 * anew, so a directory that is swapped for a link is not used longer than by one who has just opened it.
 */
import { type DirHandle } from './handles.ts'

/** Directories worked in at a time; more only keep descriptors. */
const MOST_SHARED = 64

interface Shared {
  readonly handle: DirHandle
  users: number
  over: boolean
}

export class SharedHandles {
  readonly #shared = new Map<string, Shared>()

  /** The handle that was shared under this name in this breath, to be given back with `using`; null if none was. */
  take(name: string): DirHandle | null {
    const shared = this.#shared.get(name)
    return shared === undefined ? null : this.#lend(shared)
  }

  /** Shares a handle that has just been opened; it is given back by giving back what this returns. */
  share(name: string, handle: DirHandle): DirHandle {
    if (this.#shared.has(name)) return handle
    if (this.#shared.size === MOST_SHARED) this.forget()
    if (this.#shared.size === 0) setImmediate(() => this.forget())
    const shared = { handle, users: 0, over: false }
    this.#shared.set(name, shared)
    return this.#lend(shared)
  }

  /** Nobody takes these any more: a directory was removed or replaced, or the breath is over. */
  forget(): void {
    for (const shared of this.#shared.values()) {
      shared.over = true
      closeUnused(shared)
    }
    this.#shared.clear()
  }

  #lend(shared: Shared): DirHandle {
    shared.users++
    return shared.handle.lend(() => {
      shared.users--
      closeUnused(shared)
    })
  }
}

function closeUnused({ handle, users, over }: Shared): void {
  if (over && users === 0) handle[Symbol.dispose]()
}
