/** What users write: contents that can be told apart, and recognised wherever they turn up. */
import { blake3 } from '../../src/base/blake3.ts'
import { type RootHash } from '../../src/base/brand.ts'
import { type MemoryFile } from '../../src/fs/memory-disk.ts'
import { ListMaker } from '../../src/scan/list-maker.ts'
import { rootHash } from '../../src/sync/piece-list.ts'
import { type Chance } from './chance.ts'

export interface Content {
  /** For people: `c17`. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly root: RootHash
  /** The beginning of an upload: must never leave the host where it is written. */
  readonly isPart: boolean
}

const buffer = Buffer.alloc(1 << 20)

export class Contents {
  readonly #chance: Chance
  readonly #byHash = new Map<string, Content>()
  readonly #byRoot = new Map<RootHash, Content>()
  readonly #recognised = new WeakMap<MemoryFile, { readonly key: string; readonly content: Content | null }>()
  readonly #large: Content[] = []

  constructor(needs: { chance: Chance }) {
    this.#chance = needs.chance
  }

  /** New bytes of some size; now and then much like ones before. */
  make(): Content {
    const number = this.#byHash.size
    const bytes = this.#bytes()
    new TextEncoder().encodeInto(`${String(number).padStart(7, '0')}\n`, bytes)
    const content = this.#add(`c${number}`, bytes, false)
    if (bytes.byteLength > 100_000) this.#large.push(content)
    return content
  }

  /** The first bytes of a content, as an upload shows them. */
  part(whole: Content, length: number): Content {
    return this.#add(`${whole.name}[0..${length}]`, whole.bytes.slice(0, length), true)
  }

  byRoot(root: RootHash): Content | null {
    return this.#byRoot.get(root) ?? null
  }

  /** What the file holds; null for what nobody wrote. */
  recognise(file: MemoryFile): Content | null {
    const key = `${file.bytes.byteLength} ${file.mtimeUs} ${file.ctimeUs}`
    const known = this.#recognised.get(file)
    if (known?.key === key) return known.content
    const content = this.#byHash.get(blake3(file.bytes).toString('hex')) ?? null
    this.#recognised.set(file, { key, content })
    return content
  }

  #bytes(): Uint8Array {
    const kind = this.#chance.below(20)
    if (kind === 0 && this.#large.length > 0) return this.#like(this.#chance.pick(this.#large))
    if (kind <= 1) return this.#chance.bytes(this.#chance.between(100_000, 300_000))
    if (kind === 2) return new Uint8Array(this.#chance.between(100_000, 700_000)) // a hole, but for its number
    return this.#chance.bytes(this.#chance.between(8, 200))
  }

  #like(other: Content): Uint8Array {
    const bytes = other.bytes.slice()
    bytes[this.#chance.below(bytes.byteLength)] = this.#chance.below(256)
    return bytes
  }

  #add(name: string, bytes: Uint8Array, isPart: boolean): Content {
    const hash = blake3(bytes).toString('hex')
    const known = this.#byHash.get(hash)
    if (known !== undefined) return known
    const content: Content = { name, bytes, root: rootOf(bytes), isPart }
    this.#byHash.set(hash, content)
    this.#byRoot.set(content.root, content)
    return content
  }
}

function rootOf(bytes: Uint8Array): RootHash {
  const maker = new ListMaker(buffer)
  for (let at = 0; at < bytes.byteLength;) {
    const space = maker.space()
    const part = bytes.subarray(at, at + space.byteLength)
    space.set(part)
    maker.took(part.byteLength)
    at += part.byteLength
  }
  return rootHash(maker.finish())
}
