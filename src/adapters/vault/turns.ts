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
