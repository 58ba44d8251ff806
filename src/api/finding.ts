/** What `health` and `doctor` say: one state that was found, how bad it is, and what mends it. */

export interface Finding {
  /** 'note': nothing to do; 'warning': the operator should look; 'critical': a promise is not being kept now. */
  readonly level: 'fine' | 'note' | 'warning' | 'critical'
  /** A sentence without a full stop at its end. */
  readonly what: string
  /** The one command or deed that mends it; null where there is nothing to mend. */
  readonly mend: string | null
}

/** The worst level among them; 'fine' for none. */
export function worst(findings: readonly Finding[]): Finding['level'] {
  const order = ['critical', 'warning', 'note', 'fine'] as const
  return order.find((level) => findings.some((finding) => finding.level === level)) ?? 'fine'
}
