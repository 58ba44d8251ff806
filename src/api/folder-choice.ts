/** Which folder the operator means. Pure. */
import { type FolderReport } from './api-types.ts'
import { ControlError } from './control-error.ts'

type Named = Pick<FolderReport, 'dir' | 'id'>

/** The folders that `name` means: its dir, the last part of its dir, or the first digits of its id; all if not given. */
export function chooseFolders(folders: readonly Named[], name: string | undefined): readonly Named[] {
  if (name === undefined) return folders
  const dir = withoutSlash(name)
  const found = folders.filter((f) => f.dir === dir)
  if (found.length > 0) return found
  const byName = folders.filter((f) => f.dir.split('/').at(-1) === dir || f.id.startsWith(dir))
  if (byName.length === 1) return byName
  const listing = folders.map((f) => f.dir).join(', ')
  if (byName.length > 1)
    throw new ControlError('which-folder', `'${name}' fits several folders: give one of ${listing}`)
  throw new ControlError('no-such-folder', `there is no folder '${name}': give one of ${listing}`)
}

/** The one folder that is meant, and `path` inside it: an absolute path says both. */
export function choosePath(
  folders: readonly Named[],
  name: string | undefined,
  path: string,
): { dir: string; path: string } {
  if (path.startsWith('/')) {
    const folder = folders.find((f) => path.startsWith(`${f.dir}/`))
    if (folder === undefined)
      throw new ControlError('no-such-folder', `'${path}' is in none of the folders: ${dirs(folders)}`)
    return { dir: folder.dir, path: withoutSlash(path.slice(folder.dir.length + 1)) }
  }
  return { dir: chooseFolder(folders, name).dir, path: withoutSlash(path.replace(/^(\.\/)+/, '')) }
}

/** The one folder that is meant; with several and no name it cannot be told. */
export function chooseFolder(folders: readonly Named[], name: string | undefined): Named {
  const chosen = chooseFolders(folders, name)
  const [only] = chosen
  if (only !== undefined && chosen.length === 1) return only
  throw new ControlError('which-folder', `there are several folders: say which with --folder (${dirs(chosen)})`)
}

function dirs(folders: readonly Named[]): string {
  return folders.map((f) => f.dir).join(', ')
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}
