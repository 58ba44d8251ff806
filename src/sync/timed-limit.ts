/**
 * Which limit holds between two sites at a time of the day (`limits` of the config): of the list the first that fits.
 * Half past midnight is minute 30 of the local day.
 */
export type Limit =
  | { readonly kind: 'rate'; readonly bytesPerSecond: number }
  /** Of the host's own limit. */
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'none' }

export interface TimedLimit {
  /** Between these two sites, both ways; null: any. */
  readonly sites: readonly [string, string] | null
  /** Minutes of the local day; `from` > `to` runs over midnight; null: all day. */
  readonly minutes: { readonly from: number; readonly to: number } | null
  readonly download: Limit | null
  readonly upload: Limit | null
}

export interface Moment {
  /** The sites of both ends; null where a host has none. */
  readonly sites: readonly [string | null, string | null]
  /** 0 to 1439. */
  readonly minute: number
}

/** The place in the list of the limit that holds; -1 if none does: then the host's own holds. */
export function limitThatHolds(limits: readonly TimedLimit[], moment: Moment): number {
  return limits.findIndex((limit) => sitesFit(limit, moment) && minuteFits(limit, moment.minute))
}

/** Bytes per second, 0 for no limit. Null leaves the host's own; so does a share of an own limit that there is not. */
export function bytesPerSecond(limit: Limit | null, own: number): number {
  if (limit === null) return own
  switch (limit.kind) {
    case 'none':
      return 0
    case 'rate':
      return limit.bytesPerSecond
    case 'share':
      return own * limit.share
  }
}

function sitesFit({ sites }: TimedLimit, { sites: [a, b] }: Moment): boolean {
  if (sites === null) return true
  return (sites[0] === a && sites[1] === b) || (sites[0] === b && sites[1] === a)
}

/** A span ends just before its last minute begins; one that ends where it begins is the whole day. */
function minuteFits({ minutes }: TimedLimit, minute: number): boolean {
  if (minutes === null || minutes.from === minutes.to) return true
  const { from, to } = minutes
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}
