/** What can go wrong between a sub-command and the daemon, told apart by a code on both sides of the socket. */

export type ControlErrorCode =
  | 'bad-request' // the input does not fit; the sentence says why
  | 'no-such-folder'
  | 'which-folder' // several folders, and the operator named none
  | 'not-found' // no such path or archived file
  | 'in-the-way' // something stands where the file should go
  | 'halted' // the folder does nothing until the operator has acted
  | 'failed' // anything else; the sentence says what
  | 'not-running' // nobody answers on the socket
  | 'denied' // this user may not open the socket

/** An answer of the daemon, or the lack of one. The message is a sentence for the operator. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly code: ControlErrorCode
  constructor(code: ControlErrorCode, sentence: string, options?: ErrorOptions) {
    super(sentence, options)
    this.code = code
  }
}

/** HTTP statuses of the codes that travel. */
export const statusOfCode = {
  'bad-request': 400,
  'no-such-folder': 404,
  'which-folder': 409,
  'not-found': 404,
  'in-the-way': 409,
  halted: 409,
  failed: 500,
  'not-running': 503,
  denied: 403,
} as const satisfies Record<ControlErrorCode, number>

export function isControlErrorCode(text: unknown): text is ControlErrorCode {
  return typeof text === 'string' && Object.hasOwn(statusOfCode, text)
}
