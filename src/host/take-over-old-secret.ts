/** A folder that has got a new secret keeps its index, versions, archive and marker: only its id and signatures are new. */
import { type Log } from '../base/log.ts'
import { type FolderConfig } from '../config/config.ts'
import { type IndexDatabase } from '../db/open.ts'
import { type Root } from '../fs/root.ts'
import { signedBytes } from '../sync/record-bytes.ts'
import { type SignedRecord } from '../sync/record.ts'

export async function takeOverOldSecret(
  own: Pick<FolderConfig, 'keys' | 'previous' | 'dir'>,
  disk: Pick<Root, 'readMarker' | 'writeMarker'>,
  index: Pick<IndexDatabase, 'renameFolder' | 'replica'>,
  log: Log,
): Promise<void> {
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
  // The marker last: while it is the old one, the next start goes on here.
  const marker = await disk.readMarker().catch(() => null)
  if (marker?.folder === from && marker.replica === index.replica)
    await disk.writeMarker({ folder: to, replica: index.replica })
}
