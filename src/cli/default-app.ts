/** The app that a command means where none is typed: `EVO_TOKEN_APP`, or the only one that is configured. */
import { createClient } from '../client/connection.ts'
import { NAME_PATTERN } from '../core/names.ts'
import { SidecarError } from '../errors.ts'
import type { Invocation } from './command.ts'
import { usageFault } from './usage.ts'

/** @throws {SidecarError | EvoTokenError} where there is no such app, or several. */
export async function defaultApp({
  command,
  io,
  place,
}: Pick<Invocation, 'command' | 'io' | 'place'>): Promise<string> {
  const { EVO_TOKEN_APP: named } = io.env
  if (named) {
    if (NAME_PATTERN.test(named)) return named
    throw new SidecarError('invalid_request', 'EVO_TOKEN_APP is not the name of an app.', {
      hint: 'Set it to one that `evo-token status` lists, or unset it.',
    })
  }
  const { apps } = await createClient(place).ask({ path: '/v1/apps' })
  const names = (Array.isArray(apps) ? apps : []).map((one: { app?: unknown }) => String(one.app))
  const [only] = names
  if (only === undefined) {
    throw new SidecarError('config', 'No app is configured.', {
      hint: 'Describe one with `evo-token init`, then run `evo-token reload`.',
    })
  }
  if (names.length === 1) return only
  const choice = names.join(', ')
  throw usageFault(command, `needs APP, one of ${choice}; or set EVO_TOKEN_APP to it`)
}
