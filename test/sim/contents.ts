/** What users write: contents that can be told apart, and recognised wherever they turn up. */
import { blake3 } from '../../src/base/blake3.ts'
import { type RootHash } from '../../src/base/brand.ts'
import { type MemoryFile } from '../../src/fs/memory-disk.ts'
import { ListMaker } from '../../src/scan/list-maker.ts'
import { type PieceList, pieceOffsets, rootHash } from '../../src/sync/piece-list.ts'
import { type Chance } from './chance.ts'

export interface Content {
  /** For people: `c17`. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly root: RootHash
  /** The beginning of an upload: must never leave the host where it is written. */
  readonly isPart: boolean
  readonly list: PieceList
  /** Written by no user: what lies on these hosts since a content rotted there, alike on each. Must never leave them. */
  readonly rottenOn: Set<string> | null
  /** What it was before it rotted. */
  readonly was: RootHash | null
}

const buffer = Buffer.alloc(1 << 20)
const WRITTEN = { isPart: false, rottenOn: null, was: null }

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
    const content = this.#add(`c${number}`, bytes, WRITTEN)
    if (bytes.byteLength > 100_000) this.#large.push(content)
    return content
  }

  /** The first bytes of a content, as an upload shows them. */
  part(whole: Content, length: number): Content {
    return this.#add(`${whole.name}[0..${length}]`, whole.bytes.slice(0, length), { ...WRITTEN, isPart: true })
  }

  byRoot(root: RootHash): Content | null {
    return this.#byRoot.get(root) ?? null
  }

  /** True if users wrote that content, and these are the bytes of that piece of it. */
  isPiece(root: RootHash, ordinal: number, bytes: Uint8Array): boolean {
    const content = this.byRoot(root)
    if (content === null || content.rottenOn !== null) return false
    const offset = pieceOffsets(content.list)[ordinal] ?? 0
    return Buffer.compare(content.bytes.subarray(offset, offset + bytes.byteLength), bytes) === 0
  }

  /** What the file holds; null for what nobody wrote. */
  recognise(file: MemoryFile): Content | null {
    const key = keyOf(file)
    const known = this.#recognised.get(file)
    if (known?.key === key) return known.content
    const content = this.#byHash.get(blake3(file.bytes).toString('hex')) ?? null
    this.#recognised.set(file, { key, content })
    return content
  }

  /** Nothing but its bytes has changed: what the file holds now is of this host alone. */
  rotted(file: MemoryFile, host: string): Content {
    const whole = this.recognise(file)
    const name = `${whole?.name.replace(/ rotten.*/, '') ?? '?'} rotten on ${host}`
    const rest = { isPart: false, rottenOn: new Set<string>(), was: whole?.was ?? whole?.root ?? null }
    const content = this.#add(name, file.bytes.slice(), rest)
    content.rottenOn?.add(host)
    this.#recognised.set(file, { key: keyOf(file), content })
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

  #add(name: string, bytes: Uint8Array, rest: Pick<Content, 'isPart' | 'rottenOn' | 'was'>): Content {
    const hash = blake3(bytes).toString('hex')
    const known = this.#byHash.get(hash)
    if (known !== undefined) return known
    const list = listOf(bytes)
    const content: Content = { name, bytes, root: rootHash(list), list, ...rest }
    this.#byHash.set(hash, content)
    this.#byRoot.set(content.root, content)
    return content
  }
}

/** Changes with whatever users and daemons do to it. */
function keyOf(file: MemoryFile): string {
  return `${file.bytes.byteLength} ${file.mtimeUs} ${file.ctimeUs}`
}

function listOf(bytes: Uint8Array): PieceList {
  const maker = new ListMaker(buffer)
  for (let at = 0; at < bytes.byteLength;) {
    const space = maker.space()
    const part = bytes.subarray(at, at + space.byteLength)
    space.set(part)
    maker.took(part.byteLength)
    at += part.byteLength
  }
  return maker.finish()
}
