/** What the control socket can make the daemon do: each verb finds its folder and says what came of it. */
import { type ScrubReport, type StatusReport } from '../api/api-types.ts'
import { type ControlVerbs } from '../api/control-app.ts'
import { ControlError } from '../api/control-error.ts'
import { type RelPath } from '../base/brand.ts'
import { ArchiveRefusal } from '../engine/archive-keeper.ts'
import { folderReport, type FolderReportNeeds, whereReport } from '../engine/folder-report.ts'
import { type PoolFolder } from '../engine/pool-folder.ts'
import { scrubReport } from '../engine/scrub-report.ts'
import { parsePath, pathTrouble } from '../sync/path.ts'
import { hostReport } from './host-reports.ts'
import { type OpenedFolder } from './open-folder.ts'

export interface ControlVerbsNeeds {
  readonly host: () => Omit<StatusReport, 'folders'>
  readonly folders: () => readonly OpenedFolder[]
  /** Starts the daemon anew with a new identity and a new index, a moment later. */
  readonly newIdentity: () => void
}

export function controlVerbs({ host, folders, newIdentity }: ControlVerbsNeeds): ControlVerbs {
  const reportNeeds = ({ folder, index, link }: OpenedFolder): FolderReportNeeds => {
    const ourselves = host()
    return { folder, index, hosts: () => link.hosts().map((known) => hostReport(known, ourselves)) }
  }
  const at = (dir: string): OpenedFolder => {
    const found = folders().find((folder) => folder.config.dir === dir)
    if (found === undefined) throw new ControlError('no-such-folder', `there is no folder ${dir}`)
    return found
  }
  return {
    status: () => ({ ...host(), folders: folders().map((folder) => folderReport(reportNeeds(folder))) }),
    where: async (dir, path) => await whereReport(reportNeeds(at(dir)), fileIn(at(dir), checked(path))),
    rescan: async (dirs) => {
      for (const dir of dirs) void at(dir).folder.local.noticing.rescan()
      return { folders: dirs }
    },
    approve: async (dir, path) => {
      const folder = sound(at(dir))
      if (path === null) return { folder: dir, paths: await folder.approve() }
      if (await folder.approveFile(checked(path))) return { folder: dir, paths: 1 }
      throw new ControlError('not-found', `there is no file ${path} on this host`)
    },
    discard: async (dir) => ({ folder: dir, paths: await sound(at(dir)).discard() }),
    scrub: async (dir, path, now) => scrub(at(dir), path === null ? null : checked(path), now),
    newIdentity: async () => {
      const { peerId } = host()
      newIdentity()
      return { formerPeerId: peerId }
    },
    archiveList: async (dir) => ({ folder: dir, files: at(dir).folder.archive.list() }),
    archiveRestore: async (dir, name, to) => {
      const target = to === null ? null : checked(to)
      return { folder: dir, ...(await refusing(at(dir).folder.archive.restore(name, target))) }
    },
    archivePurge: async (dir, what) => ({ folder: dir, ...(await refusing(at(dir).folder.archive.purge(what))) }),
  }
}

/** Throws where the folder is halted: what the operator wants could not be looked at, and would be held again. */
function sound({ folder }: Pick<OpenedFolder, 'folder'>): PoolFolder {
  if (folder.halted !== null) throw new ControlError('halted', folder.halted)
  return folder
}

function scrub({ folder, index }: OpenedFolder, path: RelPath | null, now: boolean): ScrubReport {
  if (path !== null && index.scrubFile(path) === null)
    throw new ControlError('not-found', `there is no file ${path} on this host`)
  if (now) scrubNow(folder, path)
  return scrubReport({ folder, index }, path)
}

/** One at a time; to ask for the one that runs is to ask how far it is. */
function scrubNow(folder: PoolFolder, path: RelPath | null): void {
  const { scrubber } = sound({ folder }).scrub
  if (scrubber.now?.running !== true) return void scrubber.scrubNow(path)
  if (scrubber.now.path === path) return
  const running = scrubber.now.path ?? 'all files'
  throw new ControlError('in-the-way', `${running} of ${folder.settings.dir} is being scrubbed: wait for its end`)
}

/** Only of files it can be asked whether they are whole. */
function fileIn({ index }: OpenedFolder, path: RelPath): RelPath {
  const entry = index.entry(path)
  if (entry?.kind === 'directory') throw new ControlError('bad-request', `${path} is a directory: name a file in it`)
  if (entry?.kind === 'link')
    throw new ControlError('bad-request', `${path} is a link to ${entry.target}: ask for that file`)
  return path
}

function checked(text: string): RelPath {
  const path = parsePath(text)
  if (path === null)
    throw new ControlError('bad-request', `'${text}' cannot be a path in a folder: ${pathTrouble(text)}`)
  return path
}

async function refusing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ArchiveRefusal)
      throw new ControlError(error.why === 'rotten' ? 'failed' : error.why, error.message, { cause: error })
    throw error
  }
}
