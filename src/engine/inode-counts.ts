/** Which inodes wait for something, several paths of one inode (hard links) counted. */
export class InodeCounts {
  readonly #counts = new Map<number, number>()

  add(inode: number): void {
    this.#counts.set(inode, (this.#counts.get(inode) ?? 0) + 1)
  }

  remove(inode: number): void {
    const left = (this.#counts.get(inode) ?? 0) - 1
    if (left > 0) this.#counts.set(inode, left)
    else this.#counts.delete(inode)
  }

  has(inode: number): boolean {
    return this.#counts.has(inode)
  }
}
