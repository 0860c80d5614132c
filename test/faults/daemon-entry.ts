/**
 * The real daemon, which tells of every named step of the rotation protocol on descriptor 3 and,
 * where it is told to, ends itself there by SIGKILL. Nothing else about it is different:
 *
 *     node daemon-entry.js [--kill-at STEP [--occurrence N]] [--heartbeat MS]
 */
import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadConfig } from '../../src/adapters/config/config-file.ts'
import { createLogger } from '../../src/adapters/log/logger.ts'
import type { Log } from '../../src/core/ports.ts'
import { startDaemon } from '../../src/daemon/daemon.ts'
import { createProcessWorld } from '../../src/daemon/world.ts'
import { configPath, homeOf } from '../../src/platform/posix/locations.ts'

/** Where `startKillableDaemon` listens. */
const STEPS_FD = 3

const { values } = parseArgs({
  options: {
    'kill-at': { type: 'string' },
    occurrence: { type: 'string', default: '1' },
    heartbeat: { type: 'string' },
  },
})

let occurrencesLeft = Number(values.occurrence)

/** On a clock that all processes of the machine share, and before anything else can happen. */
function onStep(step: string, app = ''): void {
  writeSync(STEPS_FD, `${process.hrtime.bigint()}\t${app}\t${step}\n`)
  if (step !== values['kill-at'] || --occurrencesLeft > 0) return
  process.kill(process.pid, 'SIGKILL')
}

const { env } = process
const path = configPath(undefined, env, homeOf(env))
const loaded = await loadConfig(path)
const log = createLogger({ level: loaded.config.logLevel })
const daemon = await startDaemon(
  { loaded },
  {
    ...createProcessWorld(env, { log: tellingOf(log), readConfig: () => loadConfig(path) }),
    ...(values.heartbeat !== undefined && { heartbeatMs: Number(values.heartbeat) }),
    onStep,
  },
)
await new Promise<void>((resolve) => {
  process.on('SIGTERM', () => {
    resolve()
  })
})
await daemon.stop()
onStep('stopped')
log.flush()
process.exitCode = 0

/** The broker's own steps are in its log; those of the vault lie between them. */
function tellingOf(own: Log): Log {
  return {
    ...own,
    trace(fields, message) {
      if ('step' in fields) onStep(fields.step ?? '', 'app' in fields ? String(fields.app) : '')
      own.trace(fields, message)
    },
  }
}
