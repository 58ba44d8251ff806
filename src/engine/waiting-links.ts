/** Links wait for what they point at, so that no host hears of the link first. */
import { type RelPath } from '../base/brand.ts'

export interface WaitingLinksNeeds {
  /** The path is about to be taken up. */
  readonly isPending: (path: RelPath) => boolean
  /** Something that has been taken up lies there. */
  readonly isKnown: (path: RelPath) => boolean
  readonly lookAgain: (path: RelPath) => void
}

export class WaitingLinks {
  readonly #needs: WaitingLinksNeeds
  /** By what they wait for. */
  readonly #linksTo = new Map<RelPath, Set<RelPath>>()
  /** Those whose target was unknown when they were seen: it has been looked for since. */
  readonly #tried = new Set<RelPath>()

  constructor(needs: WaitingLinksNeeds) {
    this.#needs = needs
  }

  /** Targets that are waited for. */
  get count(): number {
    return this.#linksTo.size
  }

  /** True if the link is to wait for that target; it is looked at again then. */
  mustWait(link: RelPath, target: RelPath): boolean {
    const { isPending, isKnown, lookAgain } = this.#needs
    if (isPending(target)) {
      this.#linksTo.set(target, this.#to(target).add(link))
      return true
    }
    if (isKnown(target) || this.#tried.delete(link)) return false
    this.#tried.add(link)
    lookAgain(target)
    lookAgain(link)
    return true
  }

  /** Something has become of the path. */
  wake(target: RelPath): void {
    if (this.#needs.isPending(target)) return
    for (const link of this.#to(target)) this.#needs.lookAgain(link)
    this.#linksTo.delete(target)
  }

  wakeAll(): void {
    for (const target of [...this.#linksTo.keys()]) this.wake(target)
  }

  #to(target: RelPath): Set<RelPath> {
    return this.#linksTo.get(target) ?? new Set()
  }
}
