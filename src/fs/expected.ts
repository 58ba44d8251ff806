/** Nothing is replaced or moved that the caller has not seen. */
import { sameStat, type Stat } from '../sync/entry.ts'
import { changedError } from './fs-errors.ts'
import { type Leaf } from './handles.ts'

/** Throws 'changed' unless exactly what `expected` says (null: nothing) stands at the place now. */
export function checkExpected({ dir, name }: Leaf, expected: Stat | null): void {
  const now = dir.lstat(name)
  const same = now === null || expected === null ? now === expected : sameStat(now, expected)
  if (!same) throw changedError(dir.showChild(name))
}
