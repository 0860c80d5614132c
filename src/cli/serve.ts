/** `evo-token serve`: the daemon, in the foreground, until a signal ends it. */
import { configPath, loadConfig } from '../adapters/config-file.ts'
import { createLogger } from '../adapters/log/logger.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { refuseUnsafeEnvironment } from '../daemon/environment.ts'
import { processWorld } from '../daemon/world.ts'
import { homeOf } from '../platform/posix/locations.ts'
import type { Invocation } from './command.ts'

/** For a bug (EX_SOFTWARE of sysexits.h). */
const EXIT_BUG = 70

export async function run({ io, flag, text }: Invocation): Promise<number> {
  const { env } = io
  refuseUnsafeEnvironment(env, process.execArgv)
  // Node opens its inspector on this signal, unless somebody listens for it.
  process.on('SIGUSR1', () => undefined)
  const path = configPath(text('config'), env, homeOf(env))
  const loaded = await loadConfig(path)
  const log = createLogger({ level: text('log-level') ?? loaded.config.logLevel })
  const endWithBug = (error: unknown) => {
    log.error({ err: error }, 'the daemon met a bug and ends')
    log.flush()
    process.exit(EXIT_BUG)
  }
  process.on('uncaughtException', endWithBug)
  process.on('unhandledRejection', endWithBug)
  // Node's own listener would write its words to stderr as they are.
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    log.warn({ err: warning }, 'a warning of Node')
  })

  const stateDir = text('state-dir')
  const daemon = await startDaemon(
    { loaded, takeOver: flag('take-over'), ...(stateDir !== undefined && { stateDir }) },
    processWorld(env, { log, readConfig: () => loadConfig(path) }),
  )
  process.on('SIGHUP', () => {
    daemon.reload().then(
      (answer) => {
        log.info(answer, 'reloaded')
      },
      (error: unknown) => {
        log.error({ err: error }, 'reload refused: nothing was changed')
      },
    )
  })
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        resolve()
      })
    }
  })
  await daemon.stop()
  log.flush()
  return 0
}
