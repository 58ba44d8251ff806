/** The transfers that `status` shows: one for each content, and one for each file that other hosts are still hashing. */
import { type TransferReport } from '../api/api-types.ts'
import { type EarlyFile } from './early-file.ts'
import { type RemoteSide } from './remote-side.ts'
import { type Transfer } from './transfer.ts'

export function transferReports({ downloader, wanted, early }: RemoteSide): readonly TransferReport[] {
  const contents: TransferReport[] = []
  const stretches = new Map<EarlyFile, Transfer[]>()
  for (const transfer of downloader.transfers()) {
    const file = early.fileOf(transfer.root)
    if (file === null) contents.push(contentReport(transfer, wanted.pathsOf(transfer.root)[0] ?? transfer.root))
    else if (transfer.state !== 'whole') stretches.set(file, [...(stretches.get(file) ?? []), transfer])
  }
  return [...contents, ...[...stretches].map(([file, transfers]) => earlyReport(file, transfers))]
}

function contentReport(transfer: Transfer, path: string): TransferReport {
  return report({ path, size: transfer.size, doneBytes: transfer.doneBytes }, [transfer])
}

function earlyReport({ path, size, endedBytes }: EarlyFile, transfers: readonly Transfer[]): TransferReport {
  return report({ path, size, doneBytes: endedBytes + sum(transfers.map((transfer) => transfer.doneBytes)) }, transfers)
}

function report(
  { path, size, doneBytes }: Pick<TransferReport, 'path' | 'size' | 'doneBytes'>,
  transfers: readonly Transfer[],
): TransferReport {
  const rate = sum(transfers.map((transfer) => transfer.rate()))
  const sources = new Set(transfers.flatMap((transfer) => [...transfer.sources()].map(({ host }) => host)))
  return { path, size, doneBytes, rate, etaS: rate > 0 ? (size - doneBytes) / rate : null, sources: [...sources] }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
