/** `run`: runs a program with the access token in its environment, and exits with its code. */
import { VARIABLE_PATTERN } from '../../core/names.ts'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import { diskErrorInWords } from '../../adapters/files/disk-errors.ts'
import { appPath, askToken, createClient } from '../../client/connection.ts'
import {
  type DaemonAddress,
  findDaemonPlaces,
  readEndpoint,
  tcpTargetOf,
} from '../../client/daemon-address.ts'
import { codeOf } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, CALLER_OPTIONS } from '../options.ts'
import { plain } from '../plain.ts'
import type { Io } from '../io.ts'
import { usageFault } from '../usage.ts'

export const runProgram: CommandRow = {
  details:
    'It also sets EVO_TOKEN_APP, EVO_TOKEN_URL, EVO_TOKEN_KEY_FILE and EVO_TOKEN_CALLER, with which a program that outlives the token gets the next one: the clients for Python and JavaScript need nothing else.',
  arguments: [
    APP_OR_DEFAULT,
    { name: 'CMD', kind: 'rest', description: 'The program and its arguments.' },
  ],
  options: {
    env: {
      type: 'string',
      placeholder: 'NAME',
      description: 'The variable that gets the token (EVO_ACCESS_TOKEN).',
    },
    ...CALLER_OPTIONS,
  },
  examples: [{ line: 'evo-token run evo-me -- python job.py', says: 'Exits as the program does.' }],
  run,
}

/** The exit codes that shells use. */
const EXIT_NOT_FOUND = 127
const EXIT_NOT_EXECUTABLE = 126
const EXIT_SIGNAL = 128

async function run(invocation: Invocation): Promise<number> {
  const { command, argument, text, io, rest } = invocation
  const app = argument('APP')
  const variable = text('env') ?? 'EVO_ACCESS_TOKEN'
  if (!VARIABLE_PATTERN.test(variable)) {
    throw usageFault(command, 'needs letters, digits and _ for --env, and no digit first')
  }
  const { accessToken } = await askToken(createClient(invocation.place), {
    path: appPath(app, '/token'),
  })
  const own = { ...addressForProgram(invocation.place), EVO_TOKEN_APP: app }
  const env = platform.environmentWith(io.env, { ...own, [variable]: accessToken })
  try {
    return await runToEnd(rest, env, io)
  } catch (error) {
    if (!isTooLong(error)) throw error
    io.stderr.write(
      `evo-token: The token is too long for an environment variable: ${variable} is not set. The program can ask for it at EVO_TOKEN_URL, with the key in EVO_TOKEN_KEY_FILE.\n`,
    )
    const { [variable]: _, ...without } = env
    return runToEnd(rest, without, io)
  }
}

/** Whether the environment is too long for the system: Linux takes 128 KiB for one variable. */
function isTooLong(error: unknown): boolean {
  return codeOf(error) === 'E2BIG'
}

/** The daemon's address and a key, where they are known, for a program that outlives the token. */
function addressForProgram(place: DaemonAddress): NodeJS.ProcessEnv {
  const { socket } = place
  const target = tcpTargetOf(place)
  if (target) {
    return {
      EVO_TOKEN_URL: target.url,
      EVO_TOKEN_KEY_FILE: resolve(target.keyFile),
      EVO_TOKEN_CALLER: target.caller,
    }
  }
  const places = findDaemonPlaces(place)
  const endpoint = readEndpoint(places.endpoint)
  const isThisOne = socket === undefined || socket === endpoint?.socket
  return {
    ...(isThisOne && endpoint?.url !== undefined && { EVO_TOKEN_URL: endpoint.url }),
    ...(isThisOne &&
      existsSync(places.accessKey) && {
        EVO_TOKEN_KEY_FILE: places.accessKey,
        EVO_TOKEN_CALLER: 'local',
      }),
  }
}

async function runToEnd(
  [name = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  { stdin, stderr }: Io,
): Promise<number> {
  const cannotRun = (code = 'error') => {
    stderr.write(`evo-token: "${plain(name)}" cannot be run: ${diskErrorInWords({ code })}.\n`)
    return code === 'ENOENT' ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE
  }
  const program = platform.programFor(name, env)
  if (program === undefined) return cannotRun('ENOENT')
  const { PASSED_ON, reachesPrograms } = platform.signals
  // Listens before the program starts, so that no signal is missed.
  const passOn = (signal: NodeJS.Signals) => {
    if (!reachesPrograms(signal, stdin.isTTY)) child.kill(signal)
  }
  for (const signal of PASSED_ON) process.on(signal, passOn)
  let child: ChildProcess
  try {
    // Throws where the environment is too long; other errors come as events.
    child = spawn(program, args, { env, stdio: 'inherit' })
    return await new Promise<number>((settle) => {
      child.on('error', ({ code }: NodeJS.ErrnoException) => {
        // The program runs, and could not be sent a signal.
        if (child.pid !== undefined) return
        settle(cannotRun(code))
      })
      child.once('exit', (code, signal) => {
        settle(signal === null ? (code ?? 1) : EXIT_SIGNAL + constants.signals[signal])
      })
    })
  } finally {
    for (const signal of PASSED_ON) process.off(signal, passOn)
  }
}
