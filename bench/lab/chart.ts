/**
 * Draws results as an SVG: three panels of bars, and one of lines over the number of hosts. Pure: text in, text out. Every
 * measured value is printed; the colours follow the reader's light or dark mode.
 */
import { type Figure, median, type Results, type Row } from './results.ts'

interface Panel {
  readonly title: string
  readonly unit: string
  /** Scenario to the figure that is drawn of it. */
  readonly groups: Readonly<Record<string, Figure>>
  /** A line to compare with: what cannot be beaten. */
  readonly mark?: number
}

const PANELS: readonly Panel[] = [
  {
    title: 'Time until the last host has it (less is better)',
    unit: '× lower bound',
    groups: { swarm: 'timeOverBound', 'slow-uplink': 'timeOverBound', sites: 'timeOverBound' },
    mark: 1,
  },
  {
    title: 'Sent by the source, or its site (less is better)',
    unit: '× bytes that the others had not',
    groups: { swarm: 'sourceSent', sites: 'sourceSiteSent', 'point-release': 'sourceSent' },
    mark: 1,
  },
  {
    title: 'Speed (more is better)',
    unit: 'MB/s',
    groups: { pair: 'mbPerS', 'long-link': 'mbPerS', 'files-1000': 'mbPerS', 'files-100000': 'mbPerS' },
  },
]
const HOST_COUNTS = [2, 4, 8, 16]

const WIDTH = 960
const COLUMN = WIDTH / 2
const MARGIN = 24
const LABELS = 128
const BARS = COLUMN - 2 * MARGIN - LABELS - 40
const LINE = 18
const PLOT = 180
const STYLE = `text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:14px}.dim{fill:#59636e}
.end{text-anchor:end}.mid{text-anchor:middle}.axis{stroke:#59636e;fill:none}.mark{stroke:#59636e;stroke-dasharray:3 3}
.p0{color:#0969da}.p1{color:#8c5a00}.p2{color:#7d8590}.p3{color:#8250df}.p4{color:#bf3989}.bar{fill:currentColor}.line{stroke:currentColor;
fill:none;stroke-width:2}.background{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.dim{fill:#9198a1}
.axis,.mark{stroke:#9198a1}.background{fill:#0d1117}.p0{color:#4493f8}.p1{color:#d29922}.p2{color:#7d8590}.p3{color:#ab7df8}
.p4{color:#db61a2}}`

/** `programs` is the order of the colours. */
export function drawChart(results: Results, programs: readonly string[]): string {
  const drawing = { rows: results.rows, colour: (program: string) => `p${programs.indexOf(program)}` }
  const left = stack([bars(PANELS[0]!, drawing), scaling(drawing, programs)])
  const right = stack([bars(PANELS[1]!, drawing), bars(PANELS[2]!, drawing)])
  const height = Math.max(left.height, right.height) + 3 * LINE
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>isosyncd beside other programs</title><style>${STYLE}</style>
<rect class="background" width="${WIDTH}" height="${height}"/>
${moved(MARGIN, MARGIN, left.svg)}${moved(COLUMN + MARGIN, MARGIN, right.svg)}
${text(MARGIN, height - LINE, caption(results), 'dim')}
</svg>
`
}

interface Drawing {
  readonly rows: readonly Row[]
  readonly colour: (program: string) => string
}

interface Part {
  readonly svg: string
  readonly height: number
}

function bars(panel: Panel, { rows, colour }: Drawing): Part {
  const shown = Object.entries(panel.groups).flatMap(([scenario, figure]) => {
    const of = rows.filter((row) => row.scenario === scenario)
    return of.map((row) => ({ row, value: median(row.runs, figure) }))
  })
  const scale = BARS / Math.max(panel.mark ?? 0, ...shown.map(({ value }) => value ?? 0), Number.MIN_VALUE)
  let y = 2 * LINE
  let svg = text(0, 0, panel.title, 'title') + text(0, LINE, panel.unit, 'dim')
  let group = ''
  for (const { row, value } of shown) {
    if (row.scenario !== group) svg += text(0, (y += LINE * 0.6), row.title)
    if (row.scenario !== group) y += LINE
    group = row.scenario
    const width = (value ?? 0) * scale
    svg += text(LABELS - 6, y, row.programTitle, 'dim end')
    svg += `<rect class="bar ${colour(row.program)}" x="${LABELS}" y="${y - 10}" width="${fixed(width)}" height="12"/>`
    svg += text(LABELS + width + 5, y, value === null ? 'none' : String(value), value === null ? 'dim' : '')
    y += LINE
  }
  if (panel.mark !== undefined)
    svg += `<path class="mark" d="M${fixed(LABELS + panel.mark * scale)} ${1.6 * LINE}V${fixed(y - LINE / 2)}"/>`
  return { svg, height: y + LINE }
}

/** Lines, and below each number of hosts what was measured. */
function scaling({ rows, colour }: Drawing, programs: readonly string[]): Part {
  const step = (COLUMN - 2 * MARGIN - LABELS - 30) / (HOST_COUNTS.length - 1)
  const x = (i: number) => LABELS + 10 + i * step
  const lines = programs.map((program) => {
    const of = HOST_COUNTS.map((count) =>
      rows.find((row) => row.scenario === `hosts-${count}` && row.program === program),
    )
    return {
      program,
      title: of.find(Boolean)?.programTitle,
      values: of.map((row) => median(row?.runs ?? [], 'timeOverBound')),
    }
  })
  const drawn = lines.filter(({ values }) => values.some((value) => value !== null))
  if (drawn.length === 0) return { svg: '', height: 0 }
  const most = Math.max(2, ...drawn.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const foot = 2 * LINE + PLOT
  const y = (value: number) => foot - (value / most) * PLOT
  let svg =
    text(0, 0, 'Time with more hosts (less is better)', 'title') +
    text(0, LINE, '× lower bound; uplinks 100 Mbit/s', 'dim')
  svg += `<path class="axis" d="M${LABELS} ${2 * LINE}V${foot}H${COLUMN - 2 * MARGIN}"/>`
  svg += `<path class="mark" d="M${LABELS} ${fixed(y(1))}H${COLUMN - 2 * MARGIN}"/>`
  for (const value of [0, 1, most]) svg += text(LABELS - 6, y(value) + 4, String(value), 'dim end')
  svg += text(LABELS - 6, foot + LINE * 1.5, 'hosts', 'dim end')
  for (const [i, count] of HOST_COUNTS.entries()) svg += text(x(i), foot + LINE * 1.5, String(count), 'dim mid')
  for (const [k, { program, title, values }] of drawn.entries()) {
    const points = values.flatMap((value, i) => (value === null ? [] : [{ x: fixed(x(i)), y: fixed(y(value)) }]))
    const row = foot + LINE * (k + 2.7)
    svg += `<g class="${colour(program)}"><polyline class="line" points="${points.map((p) => `${p.x},${p.y}`).join(' ')}"/>`
    for (const p of points) svg += `<circle class="bar" cx="${p.x}" cy="${p.y}" r="3.5"/>`
    svg += `<rect class="bar" x="0" y="${fixed(row - 9)}" width="10" height="10"/></g>`
    svg += text(LABELS - 6, row, title ?? program, 'end')
    for (const [i, value] of values.entries()) svg += text(x(i), row, value === null ? '–' : String(value), 'mid')
  }
  return { svg, height: foot + LINE * (drawn.length + 3.5) }
}

function stack(parts: readonly Part[]): Part {
  let [svg, height] = ['', LINE]
  for (const part of parts) {
    svg += moved(0, height - LINE / 2, part.svg)
    height += part.height + LINE
  }
  return { svg, height }
}

function caption({ machine, rows }: Results): string {
  const dates = rows.map((row) => row.date).toSorted()
  const loads = rows.flatMap((row) => row.runs.map((run) => run.loadAverage))
  const runs = rows.map((row) => row.runs.length).filter((count) => count > 0)
  const range = (a: unknown, b: unknown) => (a === b ? String(a) : `${String(a)} to ${String(b)}`)
  if (runs.length === 0) return 'nothing has been measured'
  const of = `${range(Math.min(...runs), Math.max(...runs))} runs of each, their median, ${range(dates[0], dates.at(-1))}`
  return `${machine.processors}; ${of}; load average of the machine ${range(Math.min(...loads), Math.max(...loads))}`
}

function moved(x: number, y: number, svg: string): string {
  return `<g transform="translate(${x} ${y})">${svg}</g>\n`
}

function text(x: number, y: number, words: string, style = ''): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" class="${style}">${escaped(words)}</text>`
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)))
}
