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

export const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const
