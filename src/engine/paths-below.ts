/** Counts paths by the directories above them: for most paths it is known at once that none of these lies below. */
import { type DirPath, type RelPath } from '../base/brand.ts'
import { parentOf } from '../sync/path.ts'

export class PathsBelow {
  readonly #counts = new Map<DirPath, number>()

  add(path: RelPath): void {
    for (const dir of directoriesAbove(path)) this.#counts.set(dir, (this.#counts.get(dir) ?? 0) + 1)
  }

  remove(path: RelPath): void {
    for (const dir of directoriesAbove(path)) {
      const left = (this.#counts.get(dir) ?? 0) - 1
      if (left > 0) this.#counts.set(dir, left)
      else this.#counts.delete(dir)
    }
  }

  isAny(path: RelPath): boolean {
    return this.#counts.has(path)
  }
}

function* directoriesAbove(path: RelPath): Generator<DirPath> {
  for (let dir = parentOf(path); dir !== ''; dir = parentOf(dir)) yield dir
}
