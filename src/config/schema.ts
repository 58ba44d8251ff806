/**
 * The config file as it is written: Resilio's keys and units, and ours. One schema; each value's description is what
 * an error says was expected. Checks that need the disk or several keys are in load.ts and directories.ts.
 */
import { z } from 'zod'
import { Redacted } from '../base/redacted.ts'
import { type FolderKeys, parseSecret } from '../base/secret.ts'
import { type AccountKind, resolveAccount } from './account.ts'
import { parseKnownHost } from './known-host.ts'
import { parseOctalMode } from './octal-mode.ts'

/** Node's timers overflow at 2^31 ms; a rescan rarer than every 24 days is better called never (0). */
const MAX_SECONDS = 2_000_000
/** 10^9 kB/s is a thousand times the fastest link: more is a slip of the finger. */
const MAX_KB_PER_SECOND = 1_000_000_000
const MAX_DAYS = 36_500
/** 2^53 bytes in MB. */
const MAX_MB = 8_589_934_592
/** Shorter ones could be guessed from one recorded handshake. */
const MIN_NETWORK_SECRET_CHARACTERS = 16

/** A value that is parsed from its text; `parse` returns words for a mistake. */
function parsed<In, Out>(input: z.ZodType<In>, parse: (value: In) => Out | string) {
  return input.transform((value, context): Out => {
    const result = parse(value)
    if (typeof result !== 'string') return result
    context.issues.push({ code: 'custom', message: result, input: undefined })
    return z.NEVER
  })
}

/** Whoever has no secret yet, or one of another program, is told how to get one. */
function parseFolderSecret(text: string): FolderKeys | string {
  const keys = parseSecret(text)
  if (typeof keys !== 'string' || keys.includes('--generate-secret')) return keys
  return `${keys}; \`isosyncd --generate-secret\` makes a new one, the same for all hosts`
}

/** A day counts to its end, here. */
function parseEnd(text: string): number | string {
  const [day = ''] = /^[0-9]{4}-[0-9]{2}-[0-9]{2}/.exec(text) ?? []
  const ms = Date.parse(text === day ? `${day}T23:59:59.999` : text)
  // JavaScript takes the 31st of February for a day in March.
  const midnight = Date.parse(`${day}T00:00:00Z`)
  const isDay = !Number.isNaN(ms) && !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day)
  return isDay ? ms : `'${text}' is no day or time, such as "2026-12-31" or "2026-12-31T18:00:00Z"`
}

const flag = z.boolean().describe('true or false')
const label = (what: string, most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^\P{Cc}+$/u)
    .describe(`${what}, 1 to ${most} characters`)
const filePath = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^[^\0]+$/)
  .describe('a path')
const seconds = z.number().min(0).max(MAX_SECONDS)
const days = z.number().min(0).max(MAX_DAYS).describe('a number of days, 0 = never')
const kBPerSecond = z.number().min(0).max(MAX_KB_PER_SECOND).describe('a number of kB/s, 0 = no limit')
const megabytes = z.number().min(0).max(MAX_MB)
const port = z.int().min(1).max(65_535).describe('a port, 1 to 65535')
const account = (kind: AccountKind) =>
  parsed(z.union([z.string().min(1), z.int()]), (given) => resolveAccount(kind, given)).describe(
    `a ${kind === 'owner' ? 'user' : 'group'}, by number or name`,
  )

const limit = z
  .union([z.number().min(0).max(MAX_KB_PER_SECOND), z.string().regex(/^(100|[1-9]?[0-9])(\.[0-9]+)? ?%$/)])
  .describe('a number of kB/s (0 = no limit), or a share of the host\'s own limit such as "20 %"')

export const timedLimitSchema = z
  .strictObject({
    sites: z.array(label('a site', 64)).length(2).optional().describe('two sites, such as ["north", "south"]'),
    time: z
      .string()
      .regex(/^([01][0-9]|2[0-3]):[0-5][0-9] ?- ?([01][0-9]|2[0-3]):[0-5][0-9]$/)
      .optional()
      .describe('a span of the local day, such as "07:00-19:00"'),
    download_limit: limit.optional(),
    upload_limit: limit.optional(),
  })
  .describe('an object in braces')

export const folderSchema = z
  .strictObject({
    secret: parsed(z.string(), parseFolderSecret).describe('a secret in double quotes'),
    previous_secret: parsed(z.string(), parseFolderSecret)
      .optional()
      .describe('the secret that was in use before, in double quotes'),
    previous_secret_until: parsed(z.string(), parseEnd)
      .optional()
      .describe('a day or a time, such as "2026-12-31" or "2026-12-31T18:00:00Z"'),
    dir: filePath.describe('the path of a directory'),
    known_hosts: z
      .array(parsed(z.string(), parseKnownHost).describe('a host and port, such as "isoserver01.example.com:58889"'))
      .default([])
      .describe('a list of hosts, such as ["isoserver01.example.com:58889"]'),
    use_relay_server: flag.optional(),
    use_tracker: flag.optional(),
    use_dht: flag.optional(),
    search_lan: flag.optional(),
    use_sync_trash: flag.default(true),
    overwrite_changes: flag.default(false),
    meta_dir: filePath.optional().describe("the path of a directory on the same filesystem as 'dir', outside of it"),
    priorities: z
      .array(z.string().min(1).max(1_000))
      .max(100)
      .default([])
      .describe('a list of globs, such as ["rescue/**", "*-netinst.iso"]'),
    settle_seconds: seconds.default(10).describe(`a number of seconds, 0 to ${MAX_SECONDS}`),
    owner: account('owner').optional(),
    group: account('group').optional(),
    file_mode: parsed(z.string(), (text) => parseOctalMode(text, 0o777, 0o600))
      .optional()
      .describe('an octal mode in double quotes, such as "0644"'),
    dir_mode: parsed(z.string(), (text) => parseOctalMode(text, 0o3777, 0o700))
      .optional()
      .describe('an octal mode in double quotes, such as "0755"'),
    min_free_space: megabytes.default(16).describe('a number of MB to leave free on the disk'),
    max_delete_files: z.int().min(0).default(10).describe('a number of files, 0 or more'),
    max_delete_percent: z.number().min(0).max(100).default(25).describe('a percentage, 0 to 100'),
    scrub_interval_days: days.default(30),
  })
  .describe('a folder: an object in braces with "secret" and "dir"')

export const configSchema = z
  .strictObject({
    device_name: label('a name for this host', 64).optional(),
    listening_port: port.default(58_889),
    pid_file: filePath.optional(),
    storage_path: filePath.optional(),
    site: label('a name for the place this host stands in', 64).optional(),
    known_hosts_only: flag.default(true),
    network_secret: z
      .string()
      .min(MIN_NETWORK_SECRET_CHARACTERS)
      .transform((text) => new Redacted(text))
      .optional()
      .describe(`at least ${MIN_NETWORK_SECRET_CHARACTERS} characters that no one can guess, the same on all hosts`),
    use_upnp: flag.optional(),
    disk_low_priority: flag.default(false),
    lan_encrypt_data: flag.optional(),
    lan_use_tcp: flag.optional(),
    rate_limit_local_peers: flag.default(false),
    folder_rescan_interval: seconds.default(600).describe('a number of seconds, 0 = never'),
    download_limit: kBPerSecond.default(0),
    upload_limit: kBPerSecond.default(0),
    limits: z.array(timedLimitSchema).default([]).describe('a list of limits by site and time of day'),
    sync_trash_ttl: days.default(30),
    max_file_size_for_versioning: megabytes.default(0).describe('a number of MB, 0 = archive files of any size'),
    shared_folders: z.array(folderSchema).min(1).describe('a list with at least one folder'),
  })
  .describe('an object in braces')

/** A config file that fits the schema, its leaves parsed. */
export type WrittenConfig = z.output<typeof configSchema>
export type WrittenFolder = z.output<typeof folderSchema>

/** Keys whose value must never be shown, not even as part of an error. */
export const secretKeys: readonly string[] = ['secret', 'previous_secret', 'network_secret']
