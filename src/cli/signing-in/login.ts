/**
 * `login`: starts a sign-in in the daemon, shows a person the way to the authorization server, and
 * waits for the end. The daemon does the rest; leaving early ends the sign-in and changes nothing.
 */
import { appPath, type Client, createClient } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { platform } from '../../platform/current.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, OWNER_OPTIONS } from '../options.ts'
import type { Io } from '../io.ts'
import { openBrowser } from './login-browser.ts'
import { pasteUntil } from './login-paste.ts'
import * as words from './login-words.ts'
import { notASignIn, waitForEnd } from './login-wait.ts'
import type { SignInJson, StartedInBrowser, StartedJson } from './sign-in-json.ts'
import { plain } from '../plain.ts'
import { usageFault } from '../usage.ts'

export const login: CommandRow = {
  arguments: [APP_OR_DEFAULT],
  options: {
    device: {
      type: 'boolean',
      description: 'Show a code to type in on any other device, instead of opening a browser.',
    },
    'no-browser': {
      type: 'boolean',
      description: 'Print the link, and read from stdin the address that the browser ends on.',
    },
    'switch-user': { type: 'boolean', description: 'Sign in as another person than before.' },
    ...OWNER_OPTIONS,
  },
  examples: [
    { line: 'evo-token login evo-me', says: 'Opens the browser.' },
    { line: 'evo-token login evo-me --no-browser', says: 'On a machine without a screen.' },
  ],
  run,
}

/** Ctrl-C, a terminal that closes, and `kill`; with the exit codes that shells use for them. */
const INTERRUPT_EXIT_CODES = { SIGINT: 130, SIGHUP: 129, SIGTERM: 143 } as const

/** The daemon ends a sign-in at once; a daemon that hangs must not keep the person waiting. */
const GIVE_UP_WITHIN_MS = 2_000

async function run(invocation: Invocation): Promise<number> {
  const { command, argument, flag, io } = invocation
  const app = argument('APP')
  const device = flag('device')
  if (device && flag('no-browser')) throw usageFault(command, 'takes one of --device, --no-browser')
  const client = createClient(invocation.place)
  const begun = requestSignIn(client, app, {
    ...(device && { method: 'device' }),
    switch_user: flag('switch-user'),
  })
  const interruption = giveUpOnInterrupt({ client, begun, app, io })
  try {
    const { started, path } = await begun
    await interruption.leaving
    const end = await completeSignIn({ client, started, path, app, invocation })
    await interruption.leaving
    return reportEnd(app, end, io)
  } catch (error) {
    await interruption.leaving
    throw error
  } finally {
    interruption.stop()
  }
}

interface Begun {
  readonly started: StartedJson
  /** The path of the sign-in. */
  readonly path: string
}

async function requestSignIn(client: Client, app: string, body: object): Promise<Begun> {
  const answer = await client.ask({ method: 'POST', path: appPath(app, '/login'), body })
  const started = answer as unknown as StartedJson
  if (typeof started.id !== 'string') throw notASignIn()
  return { started, path: appPath(app, `/login/${encodeURIComponent(started.id)}`) }
}

interface SignInContext extends Begun {
  readonly client: Client
  readonly app: string
  readonly invocation: Invocation
}

/** Tells the person where to sign in, and waits for the end. */
async function completeSignIn(signIn: SignInContext): Promise<SignInJson> {
  const { client, started, path, app, invocation } = signIn
  const { stderr } = invocation.io
  if (!('user_code' in started)) return completeInBrowser(signIn, started)
  stderr.write(words.deviceCode(app, started))
  return waitForEnd(client, path)
}

async function completeInBrowser(
  { client, path, app, invocation }: SignInContext,
  started: StartedInBrowser,
): Promise<SignInJson> {
  const { io, flag } = invocation
  const say = (text: string) => {
    io.stderr.write(text)
  }
  const { open_url: openUrl } = started
  const warning = words.portTaken(started)
  if (warning !== undefined) say(warning)
  const local = openUrl !== null && !flag('no-browser') && platform.desktop.mayOpenBrowser(io.env)
  const opened = local && (await openBrowser(openUrl))
  say(opened ? words.opensInBrowser(app, started) : words.openByHand(app, started))
  const end = waitForEnd(client, path, {
    say,
    ...(opened && { noVisit: words.noVisit(started) }),
    stillWaiting: words.stillWaiting(app, started),
  })
  return pasteUntil(end, { client, path, io })
}

function reportEnd(app: string, end: SignInJson, { stderr }: Io): number {
  const { status, error, message, subject, scope, expires_at: expiresAt } = end
  if (status === 'failed') {
    const hint = `Start again with \`evo-token login ${app}\`.`
    const why = message ?? `The sign-in to ${app} failed.`
    const code = error === null || why.includes(error) ? '' : ` (${error})`
    throw new EvoTokenError(error ?? 'failed', `${why}${code}`, hint)
  }
  const who = subject === null ? '' : ` as ${plain(subject)}`
  const until =
    expiresAt === null ? ' The token does not end.' : ` The token is good until ${expiresAt}.`
  stderr.write(`Signed in to ${app}${who}.${until}\n`)
  if (scope !== null) stderr.write(`Scopes: ${plain(scope)}\n`)
  if (message !== null) stderr.write(`Note: ${plain(message)}\n`)
  return 0
}

interface Interruption {
  /** Set once a person has interrupted it; ends the process. */
  leaving: Promise<never> | undefined
  readonly stop: () => void
}

/**
 * Ends the sign-in in the daemon when the person leaves, so that its port is free at once. It waits for a
 * sign-in that was requested and has not begun yet.
 */
function giveUpOnInterrupt({
  client,
  begun,
  app,
  io,
}: Pick<SignInContext, 'client' | 'app'> & {
  readonly begun: Promise<Begun>
  readonly io: Io
}): Interruption {
  const leave = async (exitCode: number): Promise<never> => {
    io.stderr.write(`\nThe sign-in to ${app} is left unfinished; nothing has changed.\n`)
    setTimeout(() => process.exit(exitCode), GIVE_UP_WITHIN_MS)
    try {
      const { path } = await begun
      await client.ask({ method: 'DELETE', path })
    } catch (error) {
      // It never began, the daemon is gone, or is of an older version: then it ends after ten minutes.
      if (!(error instanceof EvoTokenError)) throw error
    }
    process.exit(exitCode)
  }
  const listeners = Object.entries(INTERRUPT_EXIT_CODES).map(([signal, exitCode]) => {
    // Once: a second signal ends the process.
    const listener = () => {
      interruption.leaving ??= leave(exitCode)
    }
    process.once(signal, listener)
    return () => process.off(signal, listener)
  })
  const interruption: Interruption = {
    leaving: undefined,
    stop: () => {
      for (const stop of listeners) stop()
    },
  }
  return interruption
}
