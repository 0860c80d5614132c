/**
 * `login`: starts a sign-in in the daemon, shows a person the way to the authorization server, and
 * waits for the end. The daemon does the rest; leaving early changes nothing.
 */
import { appPath, type Client, createClient } from '../../client/connection.ts'
import { failureOf, EvoTokenError } from '../../client/failures.ts'
import { platform } from '../../platform/current.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, OWNER } from '../options.ts'
import type { Io } from '../io.ts'
import { openBrowser } from './login-browser.ts'
import { pasteUntil } from './login-paste.ts'
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
      description: 'Print the link, and read the address that the browser ends on from stdin.',
    },
    'switch-user': { type: 'boolean', description: 'Sign in as another person than before.' },
    ...OWNER,
  },
  examples: [
    { line: 'evo-token login evo-me', says: 'Opens the browser.' },
    { line: 'evo-token login evo-me --no-browser', says: 'On a machine without a screen.' },
  ],
  run,
}

/** The daemon answers a question about a sign-in after 25 s at most. */
const POLL_PATIENCE_MS = 40_000

/** The exit code that shells use for an interrupted program. */
const EXIT_INTERRUPTED = 130

async function run(invocation: Invocation): Promise<number> {
  const { command, argument, flag, io } = invocation
  const app = argument('APP')
  const device = flag('device')
  if (device && flag('no-browser')) throw usageFault(command, 'takes one of --device, --no-browser')
  const client = createClient(invocation.place)
  const started = (await client.ask({
    method: 'POST',
    path: appPath(app, '/login'),
    body: { ...(device && { method: 'device' }), switch_user: flag('switch-user') },
  })) as unknown as StartedJson
  if (typeof started.id !== 'string') throw notASignIn()
  const path = appPath(app, `/login/${encodeURIComponent(started.id)}`)
  const stopListening = leaveOnInterrupt(app, io)
  try {
    return reportEnd(app, await completeSignIn({ client, started, path, app, invocation }), io)
  } finally {
    stopListening()
  }
}

type StartedJson = { readonly id: string } & (
  | { readonly authorization_url: string; readonly open_url: string | null }
  | {
      readonly user_code: string
      readonly verification_uri: string
      readonly verification_uri_complete: string | null
    }
)

export interface SignInJson {
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly error: string | null
  readonly message: string | null
  readonly subject: string | null
  readonly scope: string | null
  readonly expires_at: string | null
}

interface SignIn {
  readonly client: Client
  readonly started: StartedJson
  readonly path: string
  readonly app: string
  readonly invocation: Invocation
}

/** Shows the person the way, and waits for the end. */
async function completeSignIn({
  client,
  started,
  path,
  app,
  invocation,
}: SignIn): Promise<SignInJson> {
  const { io, flag } = invocation
  if ('user_code' in started) {
    const { user_code: code, verification_uri: uri, verification_uri_complete: whole } = started
    const shortcut = whole === null ? '' : `, or open ${plain(whole)}`
    io.stderr.write(
      `To sign in to ${app}, open this address on any device:\n\n  ${plain(uri)}\n\nand type this code${shortcut}:\n\n  ${plain(code)}\n\n`,
    )
    return waitForEnd(client, path)
  }
  const { open_url: openUrl, authorization_url: authorizationUrl } = started
  const local = openUrl !== null && !flag('no-browser') && platform.desktop.mayOpenBrowser(io.env)
  if (local && (await openBrowser(openUrl))) {
    io.stderr.write(
      `The browser opens for you to sign in to ${app}. If it does not, interrupt this and use --no-browser.\n`,
    )
    return waitForEnd(client, path)
  }
  io.stderr.write(
    `To sign in to ${app}, open this address in a browser, on any machine:\n\n${plain(authorizationUrl)}\n\nIf the browser ends on a page that does not load, paste the address of that page here:\n`,
  )
  return pasteUntil(waitForEnd(client, path), { client, path, io })
}

async function waitForEnd(client: Client, path: string): Promise<SignInJson> {
  for (;;) {
    const answer = await client.ask({ path, timeoutMs: POLL_PATIENCE_MS })
    const signIn = answer as unknown as SignInJson
    if (signIn.status === 'succeeded' || signIn.status === 'failed') return signIn
    // Widened: a daemon of another version may have other statuses.
    if ((signIn.status as unknown) !== 'pending') throw notASignIn()
  }
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

/** Nothing has to be undone: an unfinished sign-in ends by itself. */
function leaveOnInterrupt(app: string, { stderr }: Io): () => void {
  const leave = () => {
    stderr.write(`\nThe sign-in to ${app} is left unfinished; nothing has changed.\n`)
    process.exit(EXIT_INTERRUPTED)
  }
  process.once('SIGINT', leave)
  return () => process.off('SIGINT', leave)
}

function notASignIn(): Error {
  return failureOf('its answer describes no sign-in', 'the owner socket')
}
