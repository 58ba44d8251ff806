/** What can be wrong with `limits` beyond its own words: a share of nothing, and sites on a host that has none. */
import { type Findings } from './findings.ts'
import { timedLimitSchema } from './schema.ts'

const DIRECTIONS = ['download_limit', 'upload_limit'] as const

export function checkTimedLimits(top: Record<string, unknown>, findings: Findings): void {
  const limits: unknown = top['limits']
  if (!Array.isArray(limits)) return
  for (const [i, limit] of limits.entries()) {
    if (typeof limit !== 'object' || limit === null) continue
    checkShares(top, limit as Record<string, unknown>, i, findings)
    if ('sites' in limit && top['site'] === undefined)
      findings.warning(['limits', i, 'sites'], "has no effect on a host without a site: give this host's own as `site`")
  }
}

function checkShares(
  top: Record<string, unknown>,
  limit: Record<string, unknown>,
  i: number,
  findings: Findings,
): void {
  for (const key of DIRECTIONS) {
    const isShare = typeof limit[key] === 'string' && timedLimitSchema.shape[key].safeParse(limit[key]).success
    if (!isShare || (top[key] ?? 0) !== 0) continue
    findings.mistake(
      ['limits', i, key],
      `a share of ${key}, which this file does not set: set it to what the link can carry, or write a number of kB/s here`,
    )
  }
}
