/** What the demo shows: sentences with the time, and images on their way. Bars on a terminal, plain lines elsewhere. */
import { MultiBar, type SingleBar } from 'cli-progress'
import pc from 'picocolors'

const started = performance.now()

export function say(sentence: string): void {
  console.log(`${pc.dim(clock())}  ${sentence}`)
}

/** Seconds since the demo began. */
function clock(): string {
  return `${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s`
}

/** One image on its way to one host. */
export interface Arrival {
  readonly host: string
  readonly image: string
}

/** Shows how far each of `arrivals` is; `percents` come in the same order. */
export interface ArrivalsView {
  update(percents: readonly number[]): void
  stop(): void
}

export function showArrivals(arrivals: readonly Arrival[]): ArrivalsView {
  return process.stdout.isTTY ? bars(arrivals) : lines(arrivals)
}

function bars(arrivals: readonly Arrival[]): ArrivalsView {
  const multi = new MultiBar({
    format: `           {host}  {image}  ${pc.cyan('{bar}')} {percentage} %`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 40,
    hideCursor: true,
    fps: 20,
  })
  const width = Math.max(...arrivals.map(({ image }) => image.length))
  const all = arrivals.map(({ host, image }): SingleBar => multi.create(100, 0, { host, image: image.padEnd(width) }))
  return {
    update: (percents) => all.forEach((one, i) => one.update(percents[i] ?? 0)),
    stop: () => multi.stop(),
  }
}

/** One line when an image is whole. */
function lines(arrivals: readonly Arrival[]): ArrivalsView {
  const told = new Set<Arrival>()
  return {
    update: (percents) => {
      for (const [i, arrival] of arrivals.entries()) {
        if (percents[i] !== 100 || told.has(arrival)) continue
        told.add(arrival)
        say(`  ${arrival.host} has ${arrival.image}`)
      }
    },
    stop: () => {},
  }
}
