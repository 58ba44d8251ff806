/** What `bench/results.json` holds, how a new run is put into it, and the median of several runs. Pure. */

export interface Figures {
  readonly megabytes: number
  readonly hosts: number
  /** From the drop to the last arrival. */
  readonly seconds: number
  readonly firstSeconds: number
  readonly mbPerS: number
  /** Seconds over what no distribution can beat; null where nothing is limited. */
  readonly timeOverBound: number | null
  /** Bytes that the source put on the wire, headers too, over those that the others had not. */
  readonly sourceSent: number
  /** The same, from the source's site to the other sites. */
  readonly sourceSiteSent: number | null
  /** Of all hosts together. */
  readonly cpuSPerGb: number
  /** Of the largest process. */
  readonly peakMiB: number
  /** Of the last minute when it was done: above the number of processors others were at work. */
  readonly loadAverage: number
}

export interface Row {
  readonly scenario: string
  readonly title: string
  readonly program: string
  readonly programTitle: string
  readonly date: string
  readonly runs: readonly Figures[]
  /** Why there are none, or not all. */
  readonly trouble?: string
}

export interface Results {
  readonly machine: { readonly processors: string; readonly kernel: string; readonly memoryGiB: number }
  readonly rows: readonly Row[]
}

/** New rows take the place of older ones of the same scenario and program; the order is that of `scenarios`, `programs`. */
export function withRows(
  results: Results,
  rows: readonly Row[],
  order: { scenarios: readonly string[]; programs: readonly string[] },
): Results {
  const isReplaced = (old: Row) => rows.some((row) => row.scenario === old.scenario && row.program === old.program)
  const all = [...results.rows.filter((row) => !isReplaced(row)), ...rows]
  const place = (row: Row) =>
    order.scenarios.indexOf(row.scenario) * order.programs.length + order.programs.indexOf(row.program)
  return { ...results, rows: all.toSorted((a, b) => place(a) - place(b)) }
}

export type Figure = { [K in keyof Figures]: Figures[K] extends number | null ? K : never }[keyof Figures]

/** The middle one of the runs, of an even number the lower of the two; null if there is none. */
export function median(runs: readonly Figures[], figure: Figure): number | null {
  const values = runs.map((run) => run[figure]).filter((value) => value !== null)
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? null
}
