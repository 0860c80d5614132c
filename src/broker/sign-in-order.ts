/** Which of an app's sign-ins becomes its session: the one that a person completed last. */
export class SignInOrder {
  #begun = 0
  #newest = 0

  /** The number of a sign-in whose redemption begins. */
  next(): number {
    this.#begun += 1
    return this.#begun
  }

  /** Whether the sign-in with this number becomes the session: not if a later one has. */
  claim(order: number): boolean {
    if (order < this.#newest) return false
    this.#newest = order
    return true
  }
}
