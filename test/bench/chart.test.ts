import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawChart } from '../../bench/lab/chart.ts'
import { type Figures, median, type Results, type Row, withRows } from '../../bench/lab/results.ts'

const PROGRAMS = ['isosyncd', 'rsync']
const machine = { processors: '2 × a <fast> one & more', kernel: '6.1', memoryGiB: 8 }

const figures = (changed: Partial<Figures> = {}): Figures => ({
  megabytes: 200,
  hosts: 6,
  seconds: 9,
  firstSeconds: 8,
  mbPerS: 22.2,
  timeOverBound: 1.13,
  sourceSent: 1.017,
  sourceSiteSent: null,
  cpuSPerGb: 9,
  peakMiB: 200,
  loadAverage: 0.5,
  ...changed,
})

const row = (scenario: string, program: string, runs: readonly Figures[]): Row => ({
  scenario,
  title: `the work of ${scenario}`,
  program,
  programTitle: program.toUpperCase(),
  date: '2026-01-02',
  runs,
})

const drawn = (rows: readonly Row[]) => drawChart({ machine, rows }, PROGRAMS)
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1])

test('the picture prints every value that was measured, with its program and unit', () => {
  const svg = drawn([
    row('swarm', 'isosyncd', [figures({ timeOverBound: 1.13, sourceSent: 1.017 })]),
    row('pair', 'rsync', [figures({ timeOverBound: null, mbPerS: 312.5 })]),
    row('hosts-8', 'rsync', [figures({ timeOverBound: 7.31 })]),
  ])
  for (const printed of ['1.13', '1.017', '312.5', '7.31', 'ISOSYNCD', 'RSYNC', 'MB/s', '× lower bound', 'hosts', '16'])
    assert(texts(svg).includes(printed), `'${printed}' is not printed`)
})

test('a longer bar is a larger value', () => {
  const svg = drawn([
    row('pair', 'isosyncd', [figures({ mbPerS: 100 })]),
    row('pair', 'rsync', [figures({ mbPerS: 200 })]),
  ])
  const width = (colour: string) => Number(new RegExp(`class="bar ${colour}"[^>]* width="([\\d.]+)"`).exec(svg)?.[1])
  assert.equal(width('p1') / width('p0'), 2)
})

test('a program without a run is drawn as none, not as zero', () => {
  const svg = drawn([row('pair', 'isosyncd', [figures()]), row('pair', 'rsync', [])])
  assert(texts(svg).includes('none'))
  assert.doesNotMatch(svg, /NaN|Infinity|null|undefined/)
})

test('a picture of nothing says so', () => {
  assert(texts(drawn([])).includes('nothing has been measured'))
  assert.doesNotMatch(drawn([]), /NaN|Infinity|null|undefined/)
})

test('every element is closed, and no word is taken for one', () => {
  const svg = drawn([row('swarm', 'isosyncd', [figures()]), row('hosts-2', 'isosyncd', [figures()])])
  const open: string[] = []
  for (const [, closing, name, , alone] of svg.matchAll(/<(\/?)([a-z]+)((?:\s[^<>]*?)?)(\/?)>/g)) {
    if (closing === '/') assert.equal(open.pop(), name)
    else if (alone !== '/') open.push(name!)
  }
  assert.deepEqual(open, [])
  assert.match(svg, /2 × a &#60;fast&#62; one &#38; more/)
})

test('there are colours for dark mode', () => {
  assert.match(drawn([]), /@media\(prefers-color-scheme:dark\)/)
})

test('the median is a run that took place', () => {
  const runs = [9, 1, 5, 7].map((mbPerS) => figures({ mbPerS }))
  assert.equal(median(runs, 'mbPerS'), 5)
  assert.equal(median(runs.slice(0, 3), 'mbPerS'), 5)
  assert.equal(median([], 'mbPerS'), null)
  assert.equal(median(runs, 'sourceSiteSent'), null)
})

test('new rows take the place of old ones, and others stay, in the order of the scenarios', () => {
  const old: Results = { machine, rows: [row('swarm', 'rsync', [figures({ seconds: 1 })]), row('pair', 'rsync', [])] }
  const order = { scenarios: ['swarm', 'pair'], programs: PROGRAMS }
  const { rows } = withRows(
    old,
    [row('swarm', 'rsync', [figures({ seconds: 2 })]), row('swarm', 'isosyncd', [])],
    order,
  )
  assert.deepEqual(
    rows.map((one) => `${one.scenario} ${one.program} ${one.runs[0]?.seconds ?? '-'}`),
    ['swarm isosyncd -', 'swarm rsync 2', 'pair rsync -'],
  )
})
