/**
 * One seed: epochs of deeds and troubles, each ended by healing, after which all hosts must come to hold the same, and
 * what users did must show; at last a day of silence.
 */
import { type RelPath } from '../../src/base/brand.ts'
import { Chance } from './chance.ts'
import { firstDifference, Invariants, isBeyondReach, judgeEpoch } from './invariants.ts'
import { type SimHost } from './sim-host.ts'
import { SimFailure } from './sim-failure.ts'
import { PowerFailure } from './sim-index.ts'
import { heal, type Trouble, TROUBLES } from './troubles.ts'
import { type Deed, DEEDS } from './users.ts'
import { World } from './world.ts'

/** Two rescans and what they set off: what no event told of is found by then. */
const CONVERGE_MS = 3_600_000
const LOOK_MS = 10_000
/** A rescan, so that what was missed is found before the silence begins. */
const CALM_MS = 1_500_000
const DAY_MS = 86_400_000
/** Of disks that nobody touches 24 rescans say as much as 144. */
const SILENT_RESCAN_MS = 3_600_000

export interface SeedOptions {
  readonly seed: number
  /** Prints each line of the trace. */
  readonly echo?: boolean
  /** Ends after so many steps; for looking for the shortest run that fails. */
  readonly steps?: number
}

export type Outcome =
  | { readonly ok: true; readonly steps: number; readonly digest: string }
  | { readonly ok: false; readonly step: number; readonly what: string; readonly trace: readonly string[] }

export async function runSeed(options: SeedOptions): Promise<Outcome> {
  const world = new World({ seed: options.seed, echo: options.echo ?? false })
  const rejected = (error: unknown) =>
    error instanceof PowerFailure ||
    world.fail('all', `unhandled: ${error instanceof Error ? error.stack : String(error)}`)
  process.on('unhandledRejection', rejected)
  const run = new SeedRun(world, options)
  try {
    await run.run()
    return { ok: true, steps: run.step, digest: world.trace.digest() }
  } catch (error) {
    const what = error instanceof SimFailure ? error.message : String(error instanceof Error ? error.stack : error)
    return { ok: false, step: run.step, what, trace: world.trace.last() }
  } finally {
    for (const host of world.hosts) {
      host.kill()
      host.index.close()
    }
    world.files?.remove()
    process.off('unhandledRejection', rejected)
  }
}

class SeedRun {
  step = 0
  readonly #world: World
  readonly #invariants: Invariants
  readonly #mostSteps: number
  /** Of its own, so that what hosts do with chance does not change what users do. */
  readonly #plan: Chance

  constructor(world: World, { seed, steps }: SeedOptions) {
    this.#world = world
    this.#plan = new Chance(~seed)
    this.#invariants = new Invariants(world)
    this.#mostSteps = steps ?? Number.MAX_SAFE_INTEGER
  }

  async run(): Promise<void> {
    for (const host of this.#world.hosts) host.start()
    const epochs = this.#plan.between(1, 4)
    const troubled = !this.#plan.oneIn(4)
    for (let i = 0; i < epochs; i++) await this.#epoch(troubled)
    await this.#silence()
  }

  async #epoch(troubled: boolean): Promise<void> {
    for (let left = this.#plan.between(3, 40); left > 0 && this.step < this.#mostSteps; left--) {
      await this.#pass(this.#plan.below(this.#plan.pick([1, 20, 500, 5_000, 20_000, 60_000])))
      this.step++
      if (troubled) this.#world.rot?.maybe()
      this.#act(troubled && this.#plan.oneIn(4) ? TROUBLES : DEEDS)
      this.#check()
    }
    await this.#converge()
    judgeEpoch(this.#world)
    await this.#world.pass(0)
    this.#world.ledger.newEpoch()
  }

  #act(from: readonly (Deed | Trouble)[]): void {
    this.#check()
    let at = this.#plan.below(from.reduce((sum, { weight }) => sum + weight * 10, 0))
    const chosen = from.find(({ weight }) => (at -= weight * 10) < 0)
    chosen?.run(this.#world, this.#plan.pick(this.#world.hosts))
  }

  async #converge(): Promise<void> {
    this.#world.say('all is well again')
    heal(this.#world)
    const { time, hosts } = this.#world
    const endMs = time.nowMs + CONVERGE_MS
    const isCalm = () =>
      hosts.every((host) => workOf(this.#world, host).length === 0) && firstDifference(this.#world) === null
    while (time.nowMs < endMs) {
      await this.#pass(LOOK_MS)
      heal(this.#world)
      for (const host of hosts) void host.folder?.approve()
      if (isCalm() && (await this.#staysCalm(isCalm))) return this.#world.say('all hosts hold the same')
    }
    const working = hosts.flatMap((host) => workOf(this.#world, host)).join('; ')
    const why = firstDifference(this.#world) ?? `still at work: ${working}`
    throw new SimFailure(`all: no agreement an hour after all was healed: ${why}`)
  }

  /** What no event told of is found by a rescan. */
  async #staysCalm(isCalm: () => boolean): Promise<boolean> {
    await this.#pass(CALM_MS / 2)
    if (!isCalm()) return false
    await this.#pass(CALM_MS / 2)
    return isCalm()
  }

  async #silence(): Promise<void> {
    const world = this.#world
    const [messages, writes] = [world.messages, world.writes]
    for (const host of world.hosts) host.lookEvery(SILENT_RESCAN_MS)
    await this.#pass(DAY_MS)
    if (world.messages !== messages)
      throw new SimFailure(`all: ${world.messages - messages} messages in a day of silence`)
    if (world.writes !== writes) throw new SimFailure(`all: ${world.writes - writes} writes in a day of silence`)
  }

  /** Looks at everything every few seconds. */
  async #pass(ms: number): Promise<void> {
    const partMs = ms > 600_000 ? 120_000 : 5_000
    for (let left = ms; left > 0; left -= partMs) {
      await this.#world.pass(Math.min(left, partMs))
      this.#check()
    }
  }

  #check(): void {
    this.#invariants.check()
    if (this.#world.failure !== null) throw this.#world.failure
  }
}

function workOf(world: World, host: SimHost): readonly string[] {
  const { folder } = host
  if (folder === null) return [`${host.name} is down`]
  if (folder.halted !== null) return [`${host.name} is halted: ${folder.halted}`]
  const { remote, local } = folder
  const counts = { wanted: wantedBy(world, host), applying: remote.applier.busy, taking: local.changes.busy }
  return Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${host.name} ${what} ${count}`] : []))
}

/** How many paths wait for a content that somebody could give. */
function wantedBy(world: World, host: SimHost): number {
  const isWanted = (path: RelPath) => {
    const root = host.folder?.remote.wanted.rootFor(path) ?? null
    return root !== null && !isBeyondReach(world, path, root)
  }
  return [...host.records.recordPaths()].filter(isWanted).length
}
