/** Two ranks of work: the second waits while any of the first runs. */
export class Precedence {
  #underWay = 0
  #waiting: (() => void)[] = []

  async runFirst<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1
    try {
      return await work()
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) for (const go of this.#waiting.splice(0)) go()
    }
  }

  /** Resolves when no work of the first rank runs. */
  async waitUntilIdle(): Promise<void> {
    while (this.#underWay > 0) {
      await new Promise<void>((go) => {
        this.#waiting.push(go)
      })
    }
  }
}
