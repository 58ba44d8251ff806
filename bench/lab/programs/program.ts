/** What the lab asks of a program: to be started on all hosts, and to bring what is dropped on the first to the others. */
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Hosts } from '../hosts.ts'
import { type Scenario } from '../scenarios.ts'

/** Where the work is done. */
export interface Pool {
  readonly hosts: Hosts
  readonly scenario: Scenario
  /** Files of all hosts lie below it. */
  readonly top: string
  /** The name of what is dropped: a file, or a directory of files. */
  readonly payload: string
  /** An older release that all are to have before the clock starts. */
  readonly older: string | null
  readonly address: (host: number) => string
  home(host: number): string
  /** The directory that is kept the same. */
  data(host: number): string
  log(host: number): string
}

export interface Running {
  /** Called when the payload has been moved into the first host's directory. */
  dropped(): void | Promise<void>
  /** It is on that host, whole, under its final name. */
  arrived(host: number): boolean
}

export interface Program {
  readonly name: string
  /** Its name in the picture. */
  readonly title: string
  /** What cannot be found here, and the package that has it; null if all is there. */
  missing(): string | null
  /** Why it cannot do this work; null if it can. */
  unfit(scenario: Scenario): string | null
  /** Resolves when all hosts are ready, and have the older release. */
  start(pool: Pool): Promise<Running>
}

/** Null if the commands are here. `commands` is name to package. */
export function missingCommands(commands: Readonly<Record<string, string>>): string | null {
  const packages = Object.entries(commands).flatMap(([name, debian]) => (isInstalled(name) ? [] : [debian]))
  return packages.length === 0 ? null : `not installed: apt-get install ${packages.join(' ')}`
}

function isInstalled(name: string): boolean {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return places.some((place) => existsSync(join(place, name)) && isExecutable(join(place, name)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
