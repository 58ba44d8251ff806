/**
 * Problems: trouble with one path or folder, kept as data and shown in `status`, never a crash or a silent skip.
 * A problem says what happened, to what, and what happens next.
 */

export type ProblemKind =
  | 'unreadable' // a file or directory that we may not read
  | 'io-error' // the disk or filesystem failed
  | 'bad-name' // not UTF-8, too long, or reserved
  | 'name-clash' // equal to another name under NFC + case folding
  | 'bad-link' // absolute, or leaves the root
  | 'unsupported' // socket, device, pipe
  | 'unfinished' // an image shorter or longer than its own volume descriptor says
  | 'read-only-change' // changed on a host that only has the read-only secret
  | 'conflict' // two hosts changed it at the same time; the loser is in the archive
  | 'halted' // the folder as a whole: marker missing or foreign, root gone
  | 'held-deletions' // many files vanished here in one go: not announced before the operator approves
  | 'held-overwrites' // many files were given another content here in one go: not announced before the operator approves
  | 'held-removals' // other hosts deleted many files in one go: kept here before the operator approves
  | 'held-changes' // other hosts gave many files another content in one go: kept here before the operator approves
  | 'disk-full' // the folder as a whole
  | 'no-events' // the folder as a whole: no or not enough watches; the rescan carries on
  | 'rejected' // a peer sent something that we refuse
  | 'rotten' // its bytes have changed although nothing touched it: a failing disk
  | 'no-source' // no connected host has what is wanted here
  | 'in-the-way' // something that is not synced stands where a synced path must go

export interface Problem {
  readonly kind: ProblemKind
  /** The path as shown to the operator (escaped where it is not UTF-8); null for the folder as a whole. */
  readonly path: string | null
  /** A sentence: what happened and what happens next. */
  readonly detail: string
}
