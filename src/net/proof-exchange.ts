/** Carries a proof (proof.ts) over a stream of messages, from HELLO to INTRO, for either side. */
import { type FolderId } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type FolderKeys } from '../base/secret.ts'
import { decodeIntro, encodeIntro, type Intro } from './codec.ts'
import * as limits from './limits.ts'
import {
  type End,
  type Hello,
  makeHello,
  makeProof,
  PROTOCOL_VERSION,
  proofHolds,
  readHello,
  type Side,
  transcript,
} from './proof.ts'

export interface Wire {
  send(frame: Uint8Array): void
  next(maxBytes: number): Promise<Uint8Array>
}

export interface Ends {
  readonly ourPeerId: Uint8Array
  readonly theirPeerId: Uint8Array
}

/** What the other end has shown. */
export interface Proven {
  readonly writer: boolean
}

/**
 * No peer came of it. 'busy' is no failure: the host is a peer by another connection. 'stranger' is proven, but in no
 * line of known_hosts; 'banned': the other side has shut us out; 'clone': it speaks as the same replica as another host.
 */
export class ProofFailed extends Error {
  override readonly name = 'ProofFailed'
  readonly code: 'secret' | 'version' | 'busy' | 'stranger' | 'banned' | 'clone'
  constructor(code: ProofFailed['code'], message: string) {
    super(message)
    this.code = code
  }
}

const maxBytes = limits.MAX_UNPROVEN_FRAME_BYTES

/** The side that opened the stream. Rejects with ProofFailed, or with the stream's end. */
export async function proveAsOpener(wire: Wire, keys: FolderKeys, ends: Ends): Promise<Proven> {
  const hello = makeHello(keys.id, keys.sign !== null)
  wire.send(hello)
  const answer = await wire.next(maxBytes)
  const theirs = checkedHello(answer, hello)
  if (theirs.busy) throw new ProofFailed('busy', 'it is connected in another way already')
  if (theirs.banned)
    throw new ProofFailed(
      'banned',
      'it has shut this host out of the folder for an hour, since this host sent it something wrong: its log says what. Look whether both run the same version of isosyncd; restarting it there lets this host in at once',
    )
  if (theirs.folder !== keys.id) throw new ProofFailed('secret', 'it answered for another folder')
  const opener: End = { peerId: ends.ourPeerId, hello }
  const acceptor: End = { peerId: ends.theirPeerId, hello: answer }
  return exchange(wire, keys, 'opener', transcript(keys.id, opener, acceptor), theirs)
}

/** The folder that a newly opened stream is for; the HELLO as it came goes on to `proveAsAcceptor`. */
export async function readOpening(wire: Wire): Promise<{ folder: FolderId; hello: Uint8Array }> {
  const hello = await wire.next(maxBytes)
  const read = readHello(hello)
  if (typeof read === 'string') throw new ProofFailed('version', `its HELLO is not one: ${read}`)
  return { folder: read.folder, hello }
}

/** The side that was called. The opener proves first. */
export async function proveAsAcceptor(wire: Wire, keys: FolderKeys, ends: Ends, opening: Uint8Array): Promise<Proven> {
  const hello = makeHello(keys.id, keys.sign !== null)
  const theirs = checkedHello(opening, hello)
  wire.send(hello)
  const opener: End = { peerId: ends.theirPeerId, hello: opening }
  const acceptor: End = { peerId: ends.ourPeerId, hello }
  return exchange(wire, keys, 'acceptor', transcript(keys.id, opener, acceptor), theirs)
}

/** To an opener whose folder is not here: the same as to one whose proof is wrong. */
export async function refuseUnknown(wire: Wire, folder: FolderId): Promise<never> {
  wire.send(makeHello(folder, true))
  await wire.next(maxBytes)
  throw new ProofFailed('secret', 'no folder here has the secret that it means')
}

/** After the proof, and only then: who we are. */
export async function exchangeIntros(wire: Wire, ours: Intro): Promise<Intro> {
  wire.send(encodeIntro(ours))
  return decodeIntro(await wire.next(limits.MAX_INTRO_BYTES))
}

async function exchange(wire: Wire, keys: FolderKeys, side: Side, t: Uint8Array, theirs: Hello): Promise<Proven> {
  const otherSide = side === 'opener' ? 'acceptor' : 'opener'
  if (side === 'opener') wire.send(makeProof(keys, side, t))
  const proof = await wire.next(maxBytes)
  if (!proofHolds(keys, otherSide, t, proof, theirs.writer))
    throw new ProofFailed('secret', 'its proof does not fit the secret of this folder')
  if (side === 'acceptor') wire.send(makeProof(keys, side, t))
  return { writer: theirs.writer }
}

function checkedHello(bytes: Uint8Array, ours: Uint8Array): Hello {
  const hello = readHello(bytes)
  if (typeof hello === 'string') throw new ProofFailed('version', `its HELLO is not one: ${hello}`)
  if (hello.version !== PROTOCOL_VERSION)
    throw new ProofFailed(
      'version',
      `it speaks version ${hello.version} of the protocol, this host ${PROTOCOL_VERSION}: update the older one`,
    )
  if (sameNonce(hello, ours)) throw new ProofFailed('secret', 'it sent our own HELLO back')
  return hello
}

function sameNonce(theirs: Hello, ours: Uint8Array): boolean {
  const own = readHello(ours)
  return typeof own !== 'string' && Buffer.compare(own.nonce, theirs.nonce) === 0
}

/** Runs a proof; one that takes too long is cut off. */
export async function inTime(
  messages: { close(error: Error): void },
  clock: Pick<Clock, 'after'>,
  work: () => Promise<void>,
): Promise<void> {
  const stop = clock.after(limits.PROOF_TIMEOUT_MS, () => messages.close(new Error('it did not answer in time')))
  try {
    await work()
  } finally {
    stop()
  }
}

/** For the operator: why a connected host is no peer, and what to do. */
export function whyNoPeer(error: Error): string {
  if (!(error instanceof ProofFailed))
    return `it did not accept our proof (${error.message}): does it have this folder, with the same secret?`
  if (error.code === 'secret') return `${error.message}: is the secret of this folder the same on both hosts?`
  return error.message
}
