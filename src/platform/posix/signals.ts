/** Signals (signal(7)). */

export function refuseInspector(): void {
  // Node opens its inspector on this signal, unless there is a listener for it.
  process.on('SIGUSR1', () => undefined)
}

export function onReload(reload: () => void): void {
  process.on('SIGHUP', reload)
}

export async function waitForStop(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        resolve()
      })
    }
  })
}

export const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/** A terminal sends these to each program that runs in front of it. */
export function reachesPrograms(signal: NodeJS.Signals, onTerminal: boolean): boolean {
  return onTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT')
}
