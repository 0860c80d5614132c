/** Whether the daemon has a token for an app, and whether it is one as the config asks for. */
import type { App } from '../../core/app.ts'
import { Secret } from '../../secret.ts'
import { appPath, type Client } from '../../client/connection.ts'
import type { Json } from '../../client/wire.ts'
import { broken, type Rung } from './ladder.ts'

export interface Held {
  token?: Secret
}

/** Leaves the token in `held`, for the rungs above. */
export function appRungs(app: App, client: Client, held: Held): Rung[] {
  let answer: Json = {}
  return [
    {
      id: 'token',
      async check() {
        answer = await client.ask({ path: appPath(app.name, '/token') })
        held.token = new Secret(String(answer.access_token))
        return 'the daemon has one'
      },
    },
    {
      id: 'scopes',
      check() {
        const given = typeof answer.scope === 'string' ? answer.scope.split(' ') : app.scopes
        // Granted as a refresh token, and not always named again.
        const missing = app.scopes.filter((one) => one !== 'offline_access' && !given.includes(one))
        if (missing.length === 0) return Promise.resolve('all that the config asks for')
        throw broken(
          `The server did not grant ${missing.join(', ')}.`,
          `Check which scopes the app has in the Developer Portal, then sign in again: \`evo-token login ${app.name}\`.`,
        )
      },
    },
    {
      id: 'life',
      check() {
        const seconds = Number(answer.expires_in)
        if (seconds > 0) return Promise.resolve(`${Math.floor(seconds)} seconds are left`)
        throw broken(
          'The token has no life left.',
          `See \`evo-token status ${app.name}\` for why it is not renewed.`,
        )
      },
    },
  ]
}
