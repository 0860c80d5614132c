/** `share move`, `share take-over`, `share leave`: a person decides which keeper is the home of an app. */
import { createClient } from '../../client/connection.ts'
import type { CommandRow } from '../command.ts'
import { APP, OWNER_OPTIONS } from '../options.ts'
import { plain } from '../plain.ts'

/** The old home finishes what it is doing first. */
const HOME_CHANGE_TIMEOUT_MS = 60_000

export const shareMove: CommandRow = {
  details:
    'The old home finishes what it is doing, publishes, and hands the app over. Where it is stopped for good, use `share take-over`.',
  arguments: [APP],
  options: OWNER_OPTIONS,
  examples: [],
  async run({ place, argument, io }) {
    const app = argument('APP')
    const request = { method: 'POST', path: '/v1/share/move', body: { app } } as const
    await createClient(place).ask({ ...request, timeoutMs: HOME_CHANGE_TIMEOUT_MS })
    io.stderr.write(`This keeper is the home of "${app}" now.\n`)
    return 0
  },
}

export const shareTakeOver: CommandRow = {
  details:
    'Only you can know that the other keeper is gone for good. If it is merely cut off, both may spend the same refresh token, and the authorization server ends the session.',
  arguments: [{ name: 'NAME', kind: 'name', description: 'The name of the keeper that is gone.' }],
  options: {
    force: {
      type: 'boolean',
      description: 'Take over although that keeper seems to run. This may cost sessions.',
    },
    ...OWNER_OPTIONS,
  },
  examples: [],
  async run({ place, argument, flag, io }) {
    const keeper = argument('NAME')
    const body = { keeper, force: flag('force') }
    const request = { method: 'POST', path: '/v1/share/take-over', body } as const
    const answer = await createClient(place).ask({ ...request, timeoutMs: HOME_CHANGE_TIMEOUT_MS })
    const taken = (Array.isArray(answer.taken) ? answer.taken : []) as string[]
    const left = (Array.isArray(answer.left) ? answer.left : []) as SkippedApp[]
    io.stderr.write(
      taken.length > 0
        ? `This keeper is the home of ${taken.map(plain).join(', ')} now.\n`
        : `${keeper} is the home of no app that can be taken over.\n`,
    )
    for (const { app, reason } of left) {
      io.stderr.write(`"${plain(app)}" was not taken over: ${plain(reason)}.\n`)
    }
    return left.length > 0 ? 1 : 0
  },
}

interface SkippedApp {
  readonly app: string
  readonly reason: string
}

export const shareLeave: CommandRow = {
  details:
    'For a database that is gone for good, or a machine that is to share no more. Take "share" out of the config then, and restart the daemon.',
  arguments: [],
  options: OWNER_OPTIONS,
  examples: [],
  async run({ place, io }) {
    const request = { method: 'POST', path: '/v1/share/leave' } as const
    const answer = await createClient(place).ask({ ...request, timeoutMs: HOME_CHANGE_TIMEOUT_MS })
    const namesIn = (list: unknown) =>
      Array.isArray(list) ? list.map((app) => plain(String(app))) : []
    const names = namesIn(answer.apps)
    const copiesLeft = namesIn(answer.copies_left)
    io.stderr.write(
      names.length > 0
        ? `Not shared any more: ${names.join(', ')}. Take "share" out of the config before the next start.\n`
        : 'This daemon is the home of no shared app.\n',
    )
    if (copiesLeft.length > 0) {
      io.stderr.write(
        `The database did not answer. It may still have a copy of ${copiesLeft.join(', ')}: do not take these over at another keeper, or both use one refresh token. If the database comes back, delete their rows in evo_token.app.\n`,
      )
    }
    return 0
  },
}
