/** Units of the config file. One constant each, so that no two places can disagree. */

/**
 * A kB of download_limit and upload_limit is 1,000 bytes: an operator compares with links, which count in powers of
 * ten, and a limit read as 1,024 would exceed what he asked for.
 */
export const BYTES_PER_KB = 1000

/** A MB of file sizes is 1,048,576 bytes: read larger, so that a file at the edge goes to the archive, not away. */
export const BYTES_PER_MB = 1024 * 1024

export const MS_PER_SECOND = 1000
export const MS_PER_DAY = 24 * 60 * 60 * 1000

/** Resilio's way of saying "no limit" or "never" is 0. */
export function zeroIsNull(value: number, unit: number): number | null {
  return value === 0 ? null : value * unit
}
