/**
 * Signals on Windows: the console tells a process to stop. `kill` ends it at once, and so do a log-off and a
 * shut-down: their events go to services alone, and libuv hands on neither (`uv__signal_control_handler`).
 */
import type { Signals } from '../platform.ts'

/** Ctrl+C, Ctrl+Break, and the console being closed, after which Windows waits some seconds. */
const FROM_CONSOLE = ['SIGINT', 'SIGBREAK', 'SIGHUP'] as const

export const signals: Signals = {
  /** Only a program of this user can open the inspector of its process, and it could read its memory as well. */
  refuseInspector() {
    return
  },
  /** There is no such signal; `evo-token reload` does it. */
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
  // The console signals every program that it has.
  reachesPrograms: () => true,
}
