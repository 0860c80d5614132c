/** Asks a person what the options of `init` did not say. It collects answers and decides nothing. */
import { checkbox, confirm, input, select } from '@inquirer/prompts'
import {
  EVO_ISSUER,
  EVO_REDIRECT_URI,
  EVO_SCOPES,
  OFFLINE_ACCESS,
  usualScopes,
} from '../../config/evo.ts'
import {
  judgeName,
  type NewApp,
  splitWords,
  validateSetting,
  withoutBlanks,
} from './init-answers.ts'
import type { InitAnswers } from './init-plan.ts'
import type { Io } from '../io.ts'

/** What the options said already. */
export interface InitOptions {
  readonly type?: string | undefined
  readonly name?: string | undefined
  readonly clientId?: string | undefined
  readonly scopes?: readonly string[] | undefined
  readonly redirectUris?: readonly string[] | undefined
  readonly issuer?: string | undefined
  readonly vaultKey?: string | undefined
  readonly reissue?: string | undefined
  readonly evoMcp?: string | undefined
}

/** What is there already. */
export interface InitContext {
  readonly names: readonly string[]
  readonly force: boolean
  /** A checkout of evo-mcp that was found. */
  readonly evoMcp: string | undefined
}

const TYPE_CHOICES = [
  ['native', 'a desktop app, script or notebook that you sign in to'],
  ['spa', 'a single-page app that you sign in to; it has a redirect URI of its own'],
  ['web', 'a web app that you sign in to; it has a client secret'],
  ['service', 'a machine-to-machine app: no sign-in, a service identity and a client secret'],
] as const

/** Prompts go to stderr: stdout has the commands to run next. */
export async function askInit(
  given: InitOptions,
  context: InitContext,
  io: Io,
): Promise<InitAnswers> {
  const terminal = { input: io.stdin, output: io.stderr }
  const ask = {
    type: () =>
      select({ message: 'Which kind of app is it?', choices: toChoices(TYPE_CHOICES) }, terminal),
    name: (type: string) =>
      input(
        {
          message: 'What do you want to call it here?',
          default: type === 'service' ? 'evo-pipeline' : 'evo-me',
          validate: (name) => judgeName(withoutBlanks(name), context.names, context.force),
        },
        terminal,
      ),
    clientId: (app: NewApp) =>
      input(
        {
          message: 'Its client id, from the Developer Portal:',
          validate: (clientId) =>
            validateSetting('clientId', { ...app, clientId: withoutBlanks(clientId) }),
        },
        terminal,
      ),
    redirectUri: (app: NewApp) =>
      input(
        {
          message: 'A redirect URI that is registered for it, exactly as it stands there:',
          default: EVO_REDIRECT_URI,
          validate: (uri) =>
            validateSetting('redirectUris', { ...app, redirectUris: [withoutBlanks(uri)] }),
        },
        terminal,
      ),
  }

  const type = given.type ?? (await ask.type())
  const name = given.name ?? withoutBlanks(await ask.name(type))
  const { issuer, reissue } = given
  const known: NewApp = { type, clientId: '', issuer, scopes: [], reissue }
  const clientId = given.clientId ?? withoutBlanks(await ask.clientId(known))
  const redirectUris =
    given.redirectUris ??
    (type === 'spa' || type === 'web' ? [withoutBlanks(await ask.redirectUri(known))] : undefined)
  const scopes = given.scopes ?? (await askScopes(known, terminal))
  const evoMcp = given.evoMcp ?? (await askEvoMcp(context, terminal))
  return {
    name,
    app: { ...known, clientId, redirectUris, scopes },
    vaultKey: given.vaultKey,
    evoMcp,
  }
}

/** Resolves with the checkout, where one was found and the person wants it to get the token. */
async function askEvoMcp({ evoMcp }: InitContext, terminal: Terminal): Promise<string | undefined> {
  if (evoMcp === undefined) return undefined
  const message = `Keep Seequent's evo-mcp server in ${evoMcp} signed in with it?`
  return (await confirm({ message, default: true }, terminal)) ? evoMcp : undefined
}

interface Terminal {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

async function askScopes(app: NewApp, terminal: Terminal): Promise<string[]> {
  const { type, issuer = EVO_ISSUER } = app
  if (issuer !== EVO_ISSUER) {
    return splitWords(
      await input(
        {
          message: 'The scopes to ask for, separated by spaces:',
          validate: (text) => validateSetting('scopes', { ...app, scopes: splitWords(text) }),
        },
        terminal,
      ),
    )
  }
  const usual = usualScopes(type)
  const chosen = await checkbox(
    { message: 'Which scopes does it need?', choices: scopeChoices(type, usual) },
    terminal,
  )
  const dropped = EVO_SCOPES.filter(({ name, required }) => required && !chosen.includes(name)).map(
    ({ name }) => name,
  )
  if (dropped.length === 0) return chosen
  const message = `Evo's documentation says that every app needs ${dropped.join(' and ')}. Leave out all the same?`
  return (await confirm({ message, default: false }, terminal)) ? chosen : [...dropped, ...chosen]
}

function scopeChoices(type: string, usual: readonly string[]) {
  const evo = EVO_SCOPES.map(({ name, about, required }) => ({
    value: name,
    name: `${name}: ${about}${required ? ' (always needed)' : ''}`,
    short: name,
    checked: usual.includes(name),
  }))
  if (type === 'service') return evo
  const name = `${OFFLINE_ACCESS}: renew the token without another sign-in`
  return [...evo, { value: OFFLINE_ACCESS, name, short: OFFLINE_ACCESS, checked: true }]
}

function toChoices(list: readonly (readonly [string, string])[]) {
  return list.map(([value, about]) => ({ value, name: `${value}: ${about}`, short: value }))
}
