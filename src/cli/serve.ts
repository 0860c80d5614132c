/** `evo-token serve`: the daemon, in the foreground, until it is told to stop. */
import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { loadConfig } from '../adapters/config/config-file.ts'
import { createBoundedFile } from '../adapters/log/bounded-file.ts'
import { createLineOutput, type LineOutput } from '../adapters/log/line-output.ts'
import { createLogger } from '../adapters/log/logger.ts'
import { EXIT_BUG } from '../core/error-codes.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { refuseUnsafeEnvironment } from '../daemon/environment.ts'
import { createProcessWorld, type World } from '../daemon/world.ts'
import { locations } from '../platform/chosen.ts'
import { platform } from '../platform/current.ts'
import type { Invocation } from './command.ts'
import { fold } from './fold.ts'
import { toPlainLogLine } from './log-lines.ts'

/** For tests that look for secrets in the output of the daemon that ships. */
export { liveSecrets } from '../secret.ts'

const STDOUT = 1

type ServeInvocation = Pick<Invocation, 'io' | 'flag' | 'text'>
type Adapt = (world: World) => World

/** @param adapt replaces parts of the daemon's world; for tests. */
export async function run(
  invocation: ServeInvocation,
  adapt: Adapt = (world) => world,
): Promise<number> {
  const path = invocation.text('log-file')
  const file = path === undefined ? undefined : createBoundedFile(resolve(path))
  try {
    return await serveUntilStopped(invocation, adapt, file)
  } catch (error) {
    // A daemon with --log-file is started without a terminal: its stderr is lost.
    file?.write(`${error instanceof Error ? error.message : 'a bug'}\n`)
    throw error
  }
}

async function serveUntilStopped(
  { io, flag, text }: ServeInvocation,
  adapt: Adapt,
  file: LineOutput | undefined,
): Promise<number> {
  const { env } = io
  refuseUnsafeEnvironment(env, process.execArgv)
  const { signals } = platform
  signals.refuseInspector()
  const path = locations.configPath(text('config'), env, locations.homeOf(env))
  const loaded = await loadConfig(path)
  const level = text('log-level') ?? loaded.config.logLevel
  const forPerson = io.stdout.isTTY && !flag('json')
  const destination =
    file ??
    (forPerson
      ? createLineOutput(STDOUT, (line) => fold(toPlainLogLine(line), io.stdout))
      : undefined)
  const log = createLogger({ level, ...(destination && { destination }) })
  const endWithBug = (error: unknown) => {
    log.error({ err: error }, 'the daemon met a bug and ends')
    log.flush()
    process.exit(EXIT_BUG)
  }
  process.on('uncaughtException', endWithBug)
  process.on('unhandledRejection', endWithBug)
  // Node's own listener would write warnings to stderr, unscrubbed.
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    log.warn({ err: warning }, 'a warning of Node')
  })

  const stateDir = text('state-dir')
  const bootId = await platform.readBootId()
  const readConfig = () => loadConfig(path)
  const daemon = await startDaemon(
    { loaded, takeOver: flag('take-over'), ...(stateDir !== undefined && { stateDir }) },
    adapt(createProcessWorld(env, { log, readConfig, configPath: path, bootId })),
  )
  const reload = () => {
    daemon.reload().then(
      (answer) => {
        log.info(answer, 'reloaded')
      },
      (error: unknown) => {
        log.error({ err: error }, 'reload refused: nothing was changed')
      },
    )
  }
  const windowClosed = new Promise<void>((resolve) => {
    signals.onReload(() => {
      // A terminal that closes sends the same signal; stdout is no terminal any more by then.
      if (io.stdout.isTTY && !isatty(STDOUT)) resolve()
      else reload()
    })
  })
  await Promise.race([signals.waitForStop(), daemon.stopAsked, windowClosed])
  await daemon.stop()
  log.flush()
  return 0
}
