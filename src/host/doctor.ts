/** All that `doctor` can see of a host without asking its daemon. Looks only, changes nothing. */
import { type Finding } from '../api/finding.ts'
import { type Config } from '../config/config.ts'
import { examineFolder } from './examine-folder.ts'
import { examineStorage } from './examine-storage.ts'
import { examineClock, examineNames, examineWatches } from './examine-surroundings.ts'

export async function examineHost(
  config: Config,
  { isRunning, nowMs }: { isRunning: boolean; nowMs: number },
): Promise<readonly Finding[]> {
  const storage = examineStorage(config.storagePath, isRunning)
  return [
    ...storage.findings,
    ...config.folders.flatMap((folder) => examineFolder(folder, storage.index)),
    ...examineWatches(),
    ...(isRunning ? [] : await examineNames(config)),
    await examineClock(nowMs),
  ]
}
