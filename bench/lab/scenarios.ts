/** The work that all programs are given, what no distribution of it can beat, and the words of the command line. Pure. */

export interface Scenario {
  readonly name: string
  /** One line, for the reader of the picture. */
  readonly title: string
  /** The site of each host; the first host is the source. Hosts of one site only stand on one switch. */
  readonly sites: readonly number[]
  /** 10^6 bytes, in all. */
  readonly megabytes: number
  /** Left out: one image. */
  readonly files?: number
  /** What each host may send; left out: as much as it can. */
  readonly upMbit?: number
  /** A host that may send less. It gets the file too, but nobody's time is taken at it. */
  readonly slow?: { readonly host: number; readonly upMbit: number }
  /** The links between the sites. */
  readonly wan?: { readonly mbit: number; readonly rttMs: number; readonly lossPercent: number }
  /** All hosts have an older release of the image: this share of it, in percent, is really new. */
  readonly newPercent?: number
}

const ONE_SITE = (hosts: number) => Array<number>(hosts).fill(0)

const growing = (hosts: number): Scenario => ({
  name: `hosts-${hosts}`,
  title: `${hosts} hosts, uplinks 100 Mbit/s, 100 MB`,
  sites: ONE_SITE(hosts),
  megabytes: 100,
  upMbit: 100,
})

export const SCENARIOS: readonly Scenario[] = [
  { name: 'swarm', title: '6 hosts, uplinks 200 Mbit/s, 200 MB', sites: ONE_SITE(6), megabytes: 200, upMbit: 200 },
  {
    name: 'slow-uplink',
    title: 'the same, one uplink 20 Mbit/s: the other five',
    sites: ONE_SITE(6),
    megabytes: 200,
    upMbit: 200,
    slow: { host: 5, upMbit: 20 },
  },
  {
    name: 'sites',
    title: '3 sites of 1, 2, 2 hosts, 100 Mbit/s, 80 ms, 100 MB',
    sites: [0, 1, 1, 2, 2],
    megabytes: 100,
    wan: { mbit: 100, rttMs: 80, lossPercent: 0 },
  },
  {
    name: 'long-link',
    title: 'one pair, 1 Gbit/s, 100 ms, 0.1 % loss, 200 MB',
    sites: [0, 1],
    megabytes: 200,
    wan: { mbit: 1000, rttMs: 100, lossPercent: 0.1 },
  },
  { name: 'pair', title: 'one pair, no limit, 1 GB', sites: ONE_SITE(2), megabytes: 1000 },
  { name: 'files-1000', title: 'one pair, 1,000 files of 1 MB', sites: ONE_SITE(2), megabytes: 1000, files: 1000 },
  {
    name: 'files-100000',
    title: 'one pair, 100,000 files of 1 kB',
    sites: ONE_SITE(2),
    megabytes: 100,
    files: 100_000,
  },
  {
    name: 'point-release',
    title: 'one pair has the older image: 9 % of 200 MB is new',
    sites: ONE_SITE(2),
    megabytes: 200,
    newPercent: 9,
  },
  ...[2, 4, 8, 16].map(growing),
]

/** Hosts whose arrival ends the clock. */
export function timedReceivers(scenario: Scenario): number[] {
  return [...scenario.sites.keys()].filter((host) => host !== 0 && host !== scenario.slow?.host)
}

/**
 * Seconds that no way of sending `bytes` can beat (Kumar & Ross, 2006): the source must send all of it once, and all
 * uplinks together all copies. Between sites the uplinks are those of the sites. Null where there is no limit. Payload
 * only: headers of packets come on top, 4.6 % at an MTU of 1,500.
 */
export function lowerBound(scenario: Scenario, bytes: number): number | null {
  const far = new Set(scenario.sites).size - 1
  if (scenario.wan !== undefined) return spread(bytes, far, scenario.wan.mbit)
  if (scenario.upMbit === undefined) return null
  return spread(bytes, timedReceivers(scenario).length, scenario.upMbit)
}

function spread(bytes: number, receivers: number, mbit: number): number {
  const bytesPerS = (mbit * 1e6) / 8
  return Math.max(bytes / bytesPerS, (receivers * bytes) / (bytesPerS * (receivers + 1)))
}

export interface Wanted {
  readonly scenarios: readonly Scenario[]
  readonly programs: readonly string[]
  readonly runs: number
}

/** The words after `compare`. Throws with what is wrong and what there is. */
export function parseWanted(
  words: { positionals: readonly string[]; programs?: string; runs?: string; mb?: string },
  programs: readonly string[],
): Wanted {
  const known = new Map(SCENARIOS.map((scenario) => [scenario.name, scenario]))
  const scenarios = [...pick('scenario', words.positionals, [...known.keys()])].map((name) => known.get(name)!)
  const megabytes = words.mb === undefined ? undefined : wholeNumber('--mb', words.mb)
  return {
    scenarios: megabytes === undefined ? scenarios : scenarios.map((scenario) => resized(scenario, megabytes)),
    programs: pick('program', words.programs?.split(',') ?? [], programs),
    runs: wholeNumber('--runs', words.runs ?? '1'),
  }
}

/** The same work with another size; files keep theirs, so there are fewer of them. */
export function resized(scenario: Scenario, megabytes: number): Scenario {
  const { files } = scenario
  const title = `${scenario.title} (here ${megabytes} MB)`
  if (files === undefined) return { ...scenario, title, megabytes }
  return { ...scenario, title, megabytes, files: Math.max(1, Math.round((files * megabytes) / scenario.megabytes)) }
}

/** All where none is named. */
function pick(what: string, named: readonly string[], known: readonly string[]): readonly string[] {
  const unknown = named.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`there is no ${what} '${unknown}': there are ${known.join(', ')}`)
  return named.length === 0 ? known : named
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} takes a whole number from 1 on, not '${text}'`)
  return Number(text)
}
