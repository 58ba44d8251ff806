/** What the caller's thread and the checking thread (check-worker.ts) say to each other. One job at a time. */

/** Compare spans of descriptor `fd` (threads of a process share descriptors) with their hashes. */
export interface CheckJob {
  readonly fd: number
  /** Where each span begins, and where the last one ends. */
  readonly offsets: Float64Array
  /** 32 bytes a span. */
  readonly hashes: Uint8Array
}

export type CheckReply =
  /** `bad`: which spans are not what their hashes say. */
  | { readonly type: 'checked'; readonly bad: readonly number[]; readonly readMs: number }
  /** Reading failed at `position`. */
  | { readonly type: 'failed'; readonly position: number }
