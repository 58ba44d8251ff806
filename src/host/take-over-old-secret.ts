/**
 * A folder that has got a new secret keeps its index, versions and archive: only its id and signatures are new. Its marker
 * is brought up to date when its root is looked at (engine/root-guard.ts): the disk may not be there yet.
 */
import { type Log } from '../base/log.ts'
import { type FolderConfig } from '../config/config.ts'
import { type IndexDatabase } from '../db/open.ts'
import { signedBytes } from '../sync/record-bytes.ts'
import { type SignedRecord } from '../sync/record.ts'

export function takeOverOldSecret(
  own: Pick<FolderConfig, 'keys' | 'previous' | 'dir'>,
  index: Pick<IndexDatabase, 'renameFolder'>,
  log: Log,
): void {
  const { keys, previous } = own
  if (previous === null) return
  const [from, to] = [previous.keys.id, keys.id]
  const make = keys.sign
  const sign = make === null ? null : (record: SignedRecord) => make(signedBytes(to, record))
  if (index.renameFolder({ from, to, sign }))
    log.info(
      { from: from.slice(0, 8), to: to.slice(0, 8) },
      `${own.dir} has a new secret: all that is known of it is kept`,
    )
}
