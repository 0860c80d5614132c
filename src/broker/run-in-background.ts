import type { Log } from '../core/ports.ts'

/** Fire-and-forget: failures are logged here, and stop nothing else. */
export function runInBackground(
  log: Log,
  what: string,
  begin: () => Promise<unknown> | undefined,
  app?: string,
): void {
  const report = (error: unknown) => {
    log.error({ app, err: error }, `${what} failed`)
  }
  try {
    begin()?.catch(report)
  } catch (error) {
    report(error)
  }
}
