/** `evo-token serve`: the daemon, in the foreground, until it is told to stop. */
import { loadConfig } from '../adapters/config/config-file.ts'
import { createLineOutput, type LineOutput } from '../adapters/log/line-output.ts'
import { createLogger } from '../adapters/log/logger.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { refuseUnsafeEnvironment } from '../daemon/environment.ts'
import { createProcessWorld, type World } from '../daemon/world.ts'
import { locations } from '../platform/chosen.ts'
import { platform } from '../platform/current.ts'
import type { Invocation } from './command.ts'
import { toPlainLogLine } from './log-lines.ts'

/** For a bug (EX_SOFTWARE of sysexits.h). */
const EXIT_BUG = 70

/** @param adapt replaces parts of the daemon's world; for tests. */
export async function run(
  { io, flag, text }: Pick<Invocation, 'io' | 'flag' | 'text'>,
  adapt = (world: World): World => world,
): Promise<number> {
  const { env } = io
  refuseUnsafeEnvironment(env, process.execArgv)
  const { signals } = platform
  signals.refuseInspector()
  const path = locations.configPath(text('config'), env, locations.homeOf(env))
  const loaded = await loadConfig(path)
  const level = text('log-level') ?? loaded.config.logLevel
  const forPerson = io.stdout.isTTY && !flag('json')
  const log = createLogger({ level, ...(forPerson && { destination: plainOutput() }) })
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
    adapt(createProcessWorld(env, { log, readConfig: () => loadConfig(path), configPath: path })),
  )
  signals.onReload(() => {
    daemon.reload().then(
      (answer) => {
        log.info(answer, 'reloaded')
      },
      (error: unknown) => {
        log.error({ err: error }, 'reload refused: nothing was changed')
      },
    )
  })
  await signals.waitForStop()
  await daemon.stop()
  log.flush()
  // A name that is still being resolved, which nothing can break off, would hold the process.
  process.exit(0)
}

/** Standard output, for a person who looks at it. */
function plainOutput(): LineOutput {
  const output = createLineOutput(1)
  return {
    write(line) {
      output.write(toPlainLogLine(line))
    },
    flush() {
      output.flush()
    },
  }
}
