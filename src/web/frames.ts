/**
 * Draws one thing in each frame: a long drawing would block the browser, and measuring in the frame after a change
 * is cheap, since the browser has laid it out by then.
 */

/** A drawing. One that returns a generator may pause at each `yield` until the next frame. */
export type Drawing = () => Generator<undefined> | undefined

/** A third of a frame at 60 Hz; the browser needs the rest. */
const SLICE_MS = 6

interface Waiting {
  draw: Drawing
  hasBegun: boolean
  /** What is left of a drawing that has begun. */
  rest?: Generator<undefined> | undefined
  /** Whether it was asked for again since it began. */
  isOld: boolean
}

/** The browser's frames, and its clock in milliseconds. */
export interface FrameDeps {
  readonly inNextFrame: (draw: () => void) => void
  readonly now: () => number
}

export function createFrames({ inNextFrame, now }: FrameDeps) {
  /** In the order in which they were asked for. */
  const waiting = new Map<string, Waiting>()

  function drawNext(): void {
    const [name, one] = waiting.entries().next().value ?? []
    if (name === undefined || !one) return
    let isDrawn = true
    try {
      // Set before drawing: a drawing may ask for itself again.
      const isNew = !one.hasBegun
      one.hasBegun = true
      if (isNew) one.rest = one.draw()
      isDrawn = isDone(one.rest)
    } finally {
      if (isDrawn) {
        waiting.delete(name)
        // At the end of the queue: what changes all the time must not hold up the others.
        if (one.isOld) waiting.set(name, { draw: one.draw, hasBegun: false, isOld: false })
      }
      if (waiting.size > 0) inNextFrame(drawNext)
    }
  }

  /** Continues the drawing for the time of a slice. Returns whether it is complete. */
  function isDone(rest: Generator<undefined> | undefined): boolean {
    const until = now() + SLICE_MS
    while (rest && !rest.next().done) {
      if (now() > until) return false
    }
    return true
  }

  return {
    /** Calls `draw` in a frame of its own, once for all calls with this name until then. */
    ask(name: string, draw: Drawing): void {
      const one = waiting.get(name)
      if (one) {
        one.draw = draw
        one.isOld = one.hasBegun
        return
      }
      if (waiting.size === 0) inNextFrame(drawNext)
      waiting.set(name, { draw, hasBegun: false, isOld: false })
    },
  }
}
