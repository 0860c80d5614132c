/**
 * Draws one thing in each frame: a long drawing keeps the browser from what a person does meanwhile, and
 * what is measured in the frame after a change costs nothing, since the browser has laid it out by then.
 */

export function createFrames() {
  /** In the order in which they were asked for. */
  const waiting = new Map<string, () => void>()

  function drawNext(): void {
    for (const [name, draw] of waiting) {
      waiting.delete(name)
      if (waiting.size > 0) requestAnimationFrame(drawNext)
      draw()
      return
    }
  }

  return {
    /** Calls `draw` in a frame of its own, once for all that is asked under one name until then. */
    ask(name: string, draw: () => void): void {
      if (waiting.size === 0) requestAnimationFrame(drawNext)
      waiting.set(name, draw)
    },
  }
}
