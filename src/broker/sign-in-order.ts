/** Which of an app's sign-ins becomes its session: what a person did last holds. */
export class SignInOrder {
  #begun = 0
  #newest = 0

  /** The order of a sign-in whose redemption begins. */
  next(): number {
    this.#begun += 1
    return this.#begun
  }

  /** Whether the sign-in of this order becomes the session: not where a later one has. */
  claim(order: number): boolean {
    if (order < this.#newest) return false
    this.#newest = order
    return true
  }
}
