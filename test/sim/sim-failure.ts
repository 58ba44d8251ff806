/** An invariant does not hold: the product is wrong, or the simulation. */
export class SimFailure extends Error {
  override readonly name = 'SimFailure'
}
