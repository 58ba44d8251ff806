/** More than a thousand names and paths that must not be taken from a peer, and why. Made by rule, always the same. */

const LONG = 'n'.repeat(256)
const PLACES = ['', 'a/', 'a/b/', 'sub dir/', 'ä/', '.hidden/', '漢字/', `${'d/'.repeat(20)}`]
const ENDS = ['', '/x', '/x/y', '/.', '/iso/debian.iso']

/** Components that no path may have. */
const BAD_COMPONENTS: readonly string[] = [
  '.',
  '..',
  '',
  '\0',
  'a\0',
  '\0a',
  'a\0.iso',
  LONG,
  `${LONG}.iso`,
  'ä'.repeat(128),
  '漢'.repeat(86),
  '💿'.repeat(64),
  '\ud800',
  '\udc00',
  'a\ud83d',
  '\udc00\ud800',
  '\ud800.iso',
  'x\udfff',
]

/** Whole paths that are bad in themselves. */
const BAD_PATHS: readonly string[] = [
  '',
  '/',
  '//',
  '///',
  '/etc/passwd',
  '//etc/passwd',
  '/proc/self/mem',
  '/dev/sda',
  '../etc/passwd',
  '.sync',
  '.sync/Archive',
  '.sync/Archive/x.iso',
  '.sync/folder.json',
  '.sync/IgnoreList',
  '.sync/staging/0',
  ...Array.from({ length: 40 }, (_, i) => `${'../'.repeat(i + 1)}etc/passwd`),
  ...Array.from({ length: 40 }, (_, i) => `a/${'../'.repeat(i + 1)}etc/shadow`),
  ...Array.from({ length: 20 }, (_, i) => `${'d/'.repeat(2_040 + i * 10)}${'n'.repeat(20)}`),
]

export function hostilePaths(): readonly string[] {
  const paths = new Set(BAD_PATHS)
  for (const place of PLACES)
    for (const bad of BAD_COMPONENTS)
      for (const end of ENDS) {
        const path = `${place}${bad}${end}`
        paths.add(path)
        paths.add(`/${path}`)
      }
  return [...paths]
}

/** Odd, and yet names of files: they must come through byte for byte. */
export const ODD_BUT_GOOD: readonly string[] = [
  '...',
  '....',
  '..a',
  'a..',
  ' ',
  '  x  ',
  '-rf',
  '--help',
  '~',
  '~root',
  '$HOME',
  '`id`',
  '$(id)',
  'a;b',
  'a|b',
  "a'b",
  'a"b',
  'a\\b',
  '\\\\server\\share',
  'C:',
  'con',
  'nul.txt',
  'a\nb',
  'a\rb',
  'a\tb',
  '\u001b[2J',
  '\u007f',
  '\u202egnp.iso',
  '\u200b',
  '\ufeff',
  '%2e%2e%2f',
  '..%2f',
  '．．',
  '‥',
  'ａ／ｂ',
  '*',
  '?',
  '[a]',
  '{a,b}',
  '.Sync',
  '.syncing',
  'a/.sync',
  '__proto__',
  'constructor',
  'toString',
  'a/__proto__/b',
]
