/** Runs the work on one app's files piece by piece, in the order it came; different apps at once. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  take<T>(app: string, work: () => Promise<T>): Promise<T> {
    const running = (this.#last.get(app) ?? Promise.resolve()).then(work)
    const ended = running
      .catch(() => undefined)
      .then(() => {
        if (this.#last.get(app) === ended) this.#last.delete(app)
      })
    this.#last.set(app, ended)
    return running
  }

  /** Resolves when everything that has been begun so far is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}

/** Work of two ranks: while any of the first is under way or waits, the other does not begin. */
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
