/** Buffers for what is encrypted and for what has been decrypted. At 500 MB/s they would be 16,000 new ones a second. */
import { TAG_BYTES } from '../base/chacha-poly.ts'
import { LentBuffers } from '../base/lent-buffers.ts'

/** The length before each encrypted message. */
export const PREFIX_BYTES = 2
/** The largest Noise message (its length is a u16). */
const MAX_CIPHERTEXT_BYTES = 65_535
/** What fits in one message: a yamux frame of exactly so many bytes is one message and one tag. */
export const MAX_PLAINTEXT_BYTES = MAX_CIPHERTEXT_BYTES - TAG_BYTES

/** Prefix, ciphertext and tag; given back when the socket has taken them. Twice what one socket holds. */
export const sealedBuffers = new LentBuffers({ bytes: PREFIX_BYTES + MAX_CIPHERTEXT_BYTES, mostIdle: 32 })
/** Plaintext; given back by the one reader of large streams when it has copied it. */
export const openedBuffers = new LentBuffers({ bytes: MAX_PLAINTEXT_BYTES, mostIdle: 8 })
