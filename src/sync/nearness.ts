/** Who is near: of pieces that come from far, one of the near hosts fetches each, and the others get it from that one. */

/**
 * Where a site is not known: hosts of one building answer within a millisecond, those of the next city not within this.
 * Hosts that are taken for near by mistake cost a slow link some pieces twice, others a detour.
 */
const FAR_MS = 5

export interface Place {
  /** As configured; null where it is not. */
  readonly site: string | null
}

/** `rttMs`: how far the other one is, NaN while that is not known. */
export function isNear(ours: Place, theirs: Place & { readonly rttMs: number }): boolean {
  if (ours.site !== null && theirs.site !== null) return ours.site === theirs.site
  return !(theirs.rttMs >= FAR_MS)
}
