/** Making directories by handle, with their owner and mode, each written out to disk before it is used. */
import { attempt, errnoName } from './fs-errors.ts'
import { type DirHandle, isNothing, type Leaf } from './handles.ts'
import { giveTo, type Ownership } from './ownership.ts'
import { makeDir } from './system-calls.ts'

/** Walks down from `top`, which it closes, and makes what is not there, each written out to disk. */
export async function descendMaking(
  top: DirHandle,
  names: readonly string[],
  ownership: Ownership,
): Promise<DirHandle> {
  let here = top
  for (const name of names) {
    using above = here
    here = await enterMaking(above, name, ownership)
  }
  return here
}

async function enterMaking(above: DirHandle, name: string, ownership: Ownership): Promise<DirHandle> {
  try {
    return above.enter(name)
  } catch (error) {
    if (!isNothing(error)) throw error
  }
  await makeOneDirectory({ dir: above, name }, ownership)
  return above.enter(name)
}

/** Makes a directory with its owner and mode, written out to disk. One that is there already stays as it is. */
export async function makeOneDirectory({ dir, name }: Leaf, ownership: Ownership): Promise<void> {
  const made = await attempt(dir.showChild(name), 'cannot make the directory', () =>
    makeDir(dir.at(name)).then(
      () => true,
      (error: unknown) => {
        if (errnoName(error) === 'EEXIST') return false
        throw error
      },
    ),
  )
  if (!made) return
  using fresh = dir.enter(name)
  await giveTo(fresh.fd, fresh.shown, ownership)
  await dir.sync()
}
