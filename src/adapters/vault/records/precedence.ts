/** Work of two ranks: while any of the first is under way, the other does not begin. */
export class Precedence {
  #underWay = 0
  #waiting: (() => void)[] = []

  async first<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1
    try {
      return await work()
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) for (const go of this.#waiting.splice(0)) go()
    }
  }

  /** Resolves when no work of the first rank is under way. */
  async idle(): Promise<void> {
    while (this.#underWay > 0) {
      await new Promise<void>((go) => {
        this.#waiting.push(go)
      })
    }
  }
}
