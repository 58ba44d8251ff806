/**
 * A machine that was copied with its identity answers with our own peer id, just as we do ourselves where a line of
 * known_hosts names this host. To tell the two apart, each process draws a number and shows it within the handshake
 * (in Noise's encrypted payload, in a field for hashes that nothing else here uses): our own number is ourselves.
 */
import { randomBytes } from 'node:crypto'
import { type PeerId, type PublicKey } from '@libp2p/interface'

const LIFE_BYTES = 16

/** The message of the error that a dial to a copy of this host ends with. */
export const COPY_ANSWERS = 'a copy of this host answers'

/** What the operator does about it. */
export const onTheCopy =
  'one of the two was copied from the other. Nothing is exchanged between them, since two that speak in one name would undo each other. On the one that is the copy, run `isosyncd new-identity`'

/** A number for the life of this process, or of a folder in it. */
export function drawLife(): Uint8Array {
  return randomBytes(LIFE_BYTES)
}

interface Secured {
  readonly remotePeer: PeerId
  readonly remoteExtensions?: { readonly webtransportCerthashes: Uint8Array[] } | undefined
}

/** Gives `secured` back, unless our own key but another process is at its other end: then it throws. */
export function notACopy<T extends Secured>(secured: T, ours: { ourKey: PublicKey; life: Uint8Array }): T {
  const { remotePeer, remoteExtensions } = secured
  if (remotePeer.publicKey?.equals(ours.ourKey) !== true) return secured
  const [life] = remoteExtensions?.webtransportCerthashes ?? []
  if (life === undefined || Buffer.compare(life, ours.life) !== 0) throw new Error(COPY_ANSWERS)
  return secured // libp2p ends it: we have dialled ourselves
}
