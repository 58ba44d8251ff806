/**
 * Keys of Resilio Sync that are known here but do nothing, or whose value does nothing: they draw a warning, so that a
 * config that works today still does and nobody is left to believe in a setting.
 */

export interface KeyRemark {
  readonly key: string
  readonly text: string
}

const NO_WEB = 'there is no web interface here: see `isosyncd status`'
const NO_LICENCE = 'isosyncd needs no licence'
const NO_THIRD_PARTY = 'isosyncd only talks to known_hosts'
const NO_MEANING = 'means nothing to isosyncd'

/** By name; a name that ends in '.' stands for all that begin so. */
const meaningless: Readonly<Record<string, string>> = {
  webui: NO_WEB,
  use_gui: NO_WEB,
  display_new_version: NO_WEB,
  agree_to_EULA: NO_LICENCE,
  agree_to_eula: NO_LICENCE,
  license: NO_LICENCE,
  licence: NO_LICENCE,
  license_file: NO_LICENCE,
  license_key: NO_LICENCE,
  identity: 'isosyncd makes its own identity in storage_path',
  check_for_updates: 'updates come with the package',
  external_port: NO_THIRD_PARTY,
  proxy: NO_THIRD_PARTY,
  bind_interface: 'isosyncd listens on all addresses and lets only known_hosts in',
  'folder_defaults.': 'say it in each folder of shared_folders',
  'net.': NO_MEANING,
  'debug.': NO_MEANING,
  log_size: 'use `--log FILE` and logrotate, or journald',
  log_ttl: 'use `--log FILE` and logrotate, or journald',
  auto_start: NO_MEANING,
  config_refresh_interval: NO_MEANING,
  config_save_interval: NO_MEANING,
  disk_min_free_space: 'use min_free_space (MB) in the folder',
  disk_min_free_space_gb: 'use min_free_space (MB) in the folder',
  disk_worker_pool_size: NO_MEANING,
  enable_file_system_notifications: 'always on; the rescan finds what they miss',
  enable_journaling: NO_MEANING,
  ignore_symlinks: 'links that stay inside the folder are synced; name others in .sync/IgnoreList',
  max_file_size_diff_for_patching: 'only pieces that differ are ever sent, whatever the size',
  parallel_indexing: NO_MEANING,
  peer_expiration_days: 'hosts are those of known_hosts',
  profiler_enabled: NO_MEANING,
  recv_buf_size: NO_MEANING,
  send_buf_size: NO_MEANING,
  sync_extended_attributes: 'extended attributes are not synced',
  sync_max_time_diff: 'clocks never decide here whether something is lost',
  selective_sync: 'a folder is always synced whole',
  stream_sync: 'a folder is always synced whole',
  use_lan_broadcast: NO_THIRD_PARTY,
  lan_use_tcp_only: NO_MEANING,
}

/** What a key of Resilio comes to here; null if it is none that is meaningless. */
export function meaninglessKey(key: string): string | null {
  const exact = Object.hasOwn(meaningless, key) ? meaningless[key] : undefined
  if (exact !== undefined) return exact
  const prefix = Object.keys(meaningless).find((name) => name.endsWith('.') && key.startsWith(name))
  return prefix === undefined ? null : (meaningless[prefix] ?? null)
}

/** Values that are accepted but change nothing. */
const idleValues: readonly { readonly key: string; readonly value: boolean; readonly text: string }[] = [
  { key: 'lan_encrypt_data', value: false, text: 'isosyncd always encrypts' },
  { key: 'lan_use_tcp', value: false, text: 'isosyncd always uses TCP' },
  { key: 'use_upnp', value: true, text: `${NO_THIRD_PARTY}; open listening_port yourself` },
  { key: 'use_relay_server', value: true, text: NO_THIRD_PARTY },
  { key: 'use_tracker', value: true, text: NO_THIRD_PARTY },
  { key: 'use_dht', value: true, text: NO_THIRD_PARTY },
  { key: 'search_lan', value: true, text: NO_THIRD_PARTY },
]

/** A warning for a value without effect; null if there is nothing to say. */
export function idleValue(key: string, value: unknown): string | null {
  const found = idleValues.find((idle) => idle.key === key && idle.value === value)
  return found === undefined ? null : `${String(value)} has no effect: ${found.text}`
}
