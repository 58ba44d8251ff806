/** What `status` and `where` show of a folder: read from its parts, kept nowhere. */
import { type RelPath } from '../base/brand.ts'
import {
  type FolderReport,
  type FolderState,
  type HashingReport,
  type HostReport,
  isEverywhere,
  type WhereHost,
  type WhereReport,
} from '../api/api-types.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type Problem } from '../sync/problem.ts'
import { type PoolFolder } from './pool-folder.ts'
import { rotProblems, scrubReport } from './scrub-report.ts'
import { transferReports } from './transfer-reports.ts'

export interface FolderReportNeeds {
  readonly folder: PoolFolder
  readonly index: Pick<FolderIndex, 'counts' | 'archive' | 'rotten' | 'scrubRound' | 'scrubFile'>
  /** What the network knows of each line of known_hosts. */
  readonly hosts: () => readonly Omit<HostReport, 'inSync'>[]
}

export function folderReport({ folder, index, hosts }: FolderReportNeeds): FolderReport {
  const { files, bytes } = index.counts()
  const archive = index.archive()
  const [state, stateDetail] = stateOf(folder)
  return {
    dir: folder.settings.dir,
    id: folder.settings.keys.id.slice(0, 8),
    mode: folder.settings.keys.sign === null ? 'read-only' : 'read-write',
    state,
    stateDetail,
    files,
    bytes,
    scan: folder.local.noticing.state,
    scrub: scrubReport({ folder, index }, null),
    hosts: hosts().map((host) => ({ ...host, inSync: inSync(folder, host.host) })),
    transfers: transferReports(folder.remote),
    hashing: folder.local.taker
      .hashing()
      .map(({ path, size, doneBytes }): HashingReport => ({ path, size, doneBytes })),
    problems: [...folder.problems.all(), ...rotProblems(folder, index), ...conflicts(index), ...missing(folder)],
    archive: { files: archive.length, bytes: archive.reduce((sum, file) => sum + file.size, 0) },
  }
}

/** Asks every known host how far it is with the path. */
export async function whereReport({ folder, hosts }: FolderReportNeeds, path: RelPath): Promise<WhereReport> {
  const [here, elsewhere] = await Promise.all([folder.whereabouts.here(path), folder.whereabouts.elsewhere(path)])
  const { state, percent, root, detail } = here
  const answers = hosts().map(({ host, self, why }): WhereHost => {
    if (self) return { host, state, percent, root, detail }
    const answer = elsewhere.get(host)
    return answer ?? { host, state: 'unreachable', percent: 0, root: null, detail: why === '' ? 'not connected' : why }
  })
  if (!answers.some((answer) => hosts().some((h) => h.self && h.host === answer.host)))
    answers.unshift({ host: 'this host', state, percent, root, detail })
  return { path, folder: folder.settings.dir, everywhere: isEverywhere(answers), hosts: answers }
}

function stateOf(folder: PoolFolder): [FolderState, string] {
  if (folder.halted !== null) return ['halted', folder.halted]
  const { why } = folder.remote.space
  if (why !== null) return ['paused', why]
  if (folder.local.noticing.state.at === null) return ['scanning', '']
  const { wanted, applier } = folder.remote
  const waiting = wanted.count + applier.busy + applier.postponed + folder.local.changes.busy
  return waiting > 0 ? ['syncing', ''] : ['synced', '']
}

/** True when the host has stored all our records and asks for no content; null while it is not connected. */
function inSync(folder: PoolFolder, host: string): boolean | null {
  const peer = folder.peers().find((p) => p.host === host)
  if (peer === undefined) return null
  return folder.announcer.inStep(peer) && !folder.server.isWanting(peer)
}

/** Of contents whose only host went away before anybody had them. One problem for all: they share what can be done. */
function missing({ remote }: PoolFolder): readonly Problem[] {
  const paths = [...remote.downloader.missing(), ...remote.small.missing()].flatMap((root) =>
    remote.wanted.pathsOf(root),
  )
  const [path] = paths
  if (path === undefined) return []
  const what = paths.length === 1 ? path : `${path} and ${paths.length - 1} more`
  const detail = `no connected host has all of ${what}: fetched as soon as one is that has. If none ever will be, drop the file again on any host; there it can be deleted too`
  return [{ kind: 'no-source', path, detail }]
}

/** A conflict stays on show as long as its loser lies in the archive. */
function conflicts(index: Pick<FolderIndex, 'archive'>): readonly Problem[] {
  return index
    .archive()
    .filter((file) => file.reason === 'conflict')
    .map(({ path, name }) => ({
      kind: 'conflict',
      path,
      detail: `${path} was changed on two hosts at the same time. One is in place, the other in the archive as ${name}: restore it under another name (isosyncd archive restore ${name} --to NAME) or purge it`,
    }))
}
