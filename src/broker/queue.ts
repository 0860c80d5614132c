/** Runs pieces of work one after another, in the order they were asked for. */
export class Queue {
  #tail: Promise<unknown> = Promise.resolve()

  /** Runs `work` when everything before it is done, however that ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#tail.then(work)
    this.#tail = running.then(
      () => undefined,
      () => undefined,
    )
    return running
  }

  /** Resolves when everything asked for so far is done. */
  async settled(): Promise<void> {
    await this.#tail
  }
}
