/** Runs work that must not overlap, one piece after another in the order of the calls. */

export class Queue {
  #tail: Promise<unknown> = Promise.resolve()

  /** Runs `work` when everything before it has ended, also where that failed. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#tail.then(work)
    this.#tail = running.then(
      () => undefined,
      () => undefined,
    )
    return running
  }

  /** Resolves when everything asked for so far is done. */
  async drain(): Promise<void> {
    await this.#tail
  }
}

/** A queue for each key; work of different keys runs in parallel. Empty queues are removed. */
export class Queues {
  readonly #queues = new Map<string, { readonly queue: Queue; waiting: number }>()

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#queues.get(key) ?? { queue: new Queue(), waiting: 0 }
    this.#queues.set(key, entry)
    entry.waiting += 1
    try {
      return await entry.queue.run(work)
    } finally {
      entry.waiting -= 1
      if (entry.waiting === 0) this.#queues.delete(key)
    }
  }

  /** Resolves when everything asked for so far is done. */
  async drain(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ queue }) => queue.drain()))
  }
}
