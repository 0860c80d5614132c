/**
 * The daemon that ships, which tells of every named step of the rotation protocol on descriptor 3 and,
 * where it is told to, ends itself there by SIGKILL, or stops itself there by SIGSTOP. Nothing else
 * about it is different:
 *
 *     node daemon-entry.js [--kill-at STEP | --stop-at STEP] [--occurrence N] [--heartbeat MS] [--silent] [--sharing JSON]
 */
import { writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Log } from '../../src/core/ports.ts'
import type { SharingPolicy } from '../../src/core/sharing/policy.ts'
import { MAIN } from '../support/daemon-process.ts'

/** Where `startKillableDaemon` listens. */
const STEPS_FD = 3

const { values } = parseArgs({
  options: {
    'kill-at': { type: 'string' },
    'stop-at': { type: 'string' },
    occurrence: { type: 'string', default: '1' },
    heartbeat: { type: 'string' },
    /** No descriptor 3 is there. */
    silent: { type: 'boolean', default: false },
    /** Durations of `SharingPolicy`. */
    sharing: { type: 'string' },
  },
})

let occurrencesLeft = Number(values.occurrence)

/** On a clock that all processes of the machine share, and before anything else can happen. */
function onStep(step: string, app = ''): void {
  if (!values.silent) writeSync(STEPS_FD, `${process.hrtime.bigint()}\t${app}\t${step}\n`)
  const isWhere = step === values['kill-at'] || step === values['stop-at']
  if (!isWhere || --occurrencesLeft !== 0) return
  process.kill(process.pid, values['stop-at'] === undefined ? 'SIGKILL' : 'SIGSTOP')
}

type Serve = typeof import('../../src/cli/serve.ts')

const { run } = (await import(join(dirname(MAIN), 'daemon.mjs'))) as Serve
const none = () => undefined
const code = await run({ io: process, flag: () => false, text: none }, (world) => ({
  ...world,
  log: tellingOf(world.log),
  ...(values.heartbeat !== undefined && { heartbeatMs: Number(values.heartbeat) }),
  ...(values.sharing !== undefined && {
    sharingPolicy: JSON.parse(values.sharing) as Partial<SharingPolicy>,
  }),
  onStep,
}))
onStep('stopped')
process.exitCode = code

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
