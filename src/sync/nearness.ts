/** Who is near: of pieces that come from far, one of the near hosts fetches each, and the others get it from that one. */

/**
 * Where a site is not known: hosts of one building answer within a millisecond, those of the next city not within this.
 * Hosts that are taken for near by mistake cost a slow link some pieces twice, others a detour.
 */
const OTHER_SITE_MS = 5

/** A site is null where it is not configured; `rttMs` is NaN while it is not known how far the peer is. */
export function isNear(
  ourSite: string | null,
  peer: { readonly site: string | null; readonly rttMs: number },
): boolean {
  if (ourSite !== null && peer.site !== null) return ourSite === peer.site
  return !(peer.rttMs >= OTHER_SITE_MS)
}
