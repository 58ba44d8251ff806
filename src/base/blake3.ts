/**
 * BLAKE3. The native binary does 5 to 8 GB/s on one core; where there is none for the platform, WebAssembly does
 * 0.6 GB/s with the same result.
 */
import { createRequire } from 'node:module'
import type * as Native from '@napi-rs/blake-hash'
import type * as Wasm from 'blake3'

export interface Blake3Hasher {
  update(bytes: Uint8Array): void
  /** 32 bytes. Call once. */
  digest(): Buffer
}

interface Implementation {
  name: 'native' | 'wasm'
  readonly hex: (bytes: Uint8Array) => string
  readonly hasher: () => Blake3Hasher
}

const require = createRequire(import.meta.url)

function load(): Implementation {
  try {
    const native = require('@napi-rs/blake-hash') as typeof Native
    const asBuffer = (bytes: Uint8Array) => bytes as Buffer // its types ask for more than it needs
    const state = new native.Blake3Hasher()
    return {
      name: 'native',
      // Each Buffer that comes from native code costs the collector as much as hashing a kilobyte: digits cost half of it.
      hex: (bytes) => {
        state.reset()
        state.update(asBuffer(bytes))
        return state.digest('hex')
      },
      hasher() {
        const state = new native.Blake3Hasher()
        return { update: (bytes) => void state.update(asBuffer(bytes)), digest: () => state.digestBuffer() }
      },
    }
  } catch {
    const wasm = require('blake3') as typeof Wasm
    return {
      name: 'wasm',
      hex: (bytes) => wasm.hash(bytes).toString('hex'),
      hasher() {
        const state = wasm.createHash()
        return { update: (bytes) => void state.update(bytes), digest: () => Buffer.from(state.digest()) }
      },
    }
  }
}

const implementation = load()

/** Which implementation this process uses: 'native' or 'wasm'. */
export const blake3Kind = implementation.name

/** The BLAKE3 hash of `bytes`, in hexadecimal digits. */
export const blake3Hex = implementation.hex

/** The same as its 32 bytes. */
export function blake3(bytes: Uint8Array): Buffer {
  return Buffer.from(implementation.hex(bytes), 'hex')
}

/** For bytes that come in parts. */
export const createBlake3 = implementation.hasher
