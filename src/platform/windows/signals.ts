/** How a process of Windows is told to stop: by its console. `kill` ends it without a word. */
import type { Signals } from '../platform.ts'

/** Ctrl+C, Ctrl+Break, and the console being closed, after which Windows waits some seconds. */
const FROM_CONSOLE = ['SIGINT', 'SIGBREAK', 'SIGHUP'] as const

export const signals: Signals = {
  /** Only a program of this user can open the inspector of its process, and it could read its memory as well. */
  refuseInspector() {
    return
  },
  /** Nothing tells a process so; `evo-token reload` does. */
  onReload() {
    return
  },
  async waitForStop() {
    await new Promise<void>((resolve) => {
      for (const signal of FROM_CONSOLE) {
        process.on(signal, () => {
          resolve()
        })
      }
    })
  },
  PASSED_ON: FROM_CONSOLE,
  // Every program of a console hears from it.
  reachesPrograms: () => true,
}
