/** `caller add`, `caller list`, `caller remove`: the local programs that may ask for tokens. */
import { createClient } from '../../client/connection.ts'
import { failureOf } from '../../client/failures.ts'
import type { CommandRow } from '../command.ts'
import { JSON_OUTPUT, OWNER } from '../options.ts'
import { table } from '../table.ts'

export const add: CommandRow = {
  arguments: [{ name: 'NAME', kind: 'name', description: 'What to call the caller.' }],
  options: {
    app: {
      type: 'string',
      placeholder: 'APP',
      multiple: true,
      description: 'An app that it may use; may be repeated. All apps where none is named.',
    },
    ...OWNER,
  },
  examples: [
    {
      line: '(umask 077; evo-token caller add notebook --app evo-me > notebook.key)',
      says: 'The key is shown this once.',
    },
  ],
  async run(invocation) {
    const { argument, texts, io } = invocation
    const name = argument('NAME')
    const apps = texts('app')
    const { access_key: key } = await createClient(invocation.place).ask({
      method: 'POST',
      path: '/v1/callers',
      body: { name, apps: apps.length > 0 ? apps : ['*'] },
    })
    if (typeof key !== 'string') throw failureOf('its answer holds no key', 'the owner socket')
    io.stdout.write(`${key}\n`)
    const what = apps.length > 0 ? apps.join(', ') : 'every app'
    io.stderr.write(
      `This is the key of "${name}", for ${what}. It is shown this once: keep it in a file that only the program's user can read.\n`,
    )
    return 0
  },
}

interface CallerJson {
  readonly name: string
  readonly apps: readonly string[]
  readonly created_at: string
  readonly last_used_at: string | null
}

export const list: CommandRow = {
  arguments: [],
  options: { json: JSON_OUTPUT, ...OWNER },
  examples: [],
  async run(invocation) {
    const { io, flag } = invocation
    const answer = await createClient(invocation.place).ask({ path: '/v1/callers' })
    if (flag('json')) {
      io.stdout.write(`${JSON.stringify(answer)}\n`)
      return 0
    }
    const callers = (Array.isArray(answer.callers) ? answer.callers : []) as CallerJson[]
    const rows = callers.map(({ name, apps, created_at, last_used_at }) => [
      name,
      apps.includes('*') ? 'every app' : apps.join(' '),
      created_at,
      last_used_at ?? 'never',
    ])
    io.stdout.write(table(['CALLER', 'APPS', 'MADE', 'LAST USED'], rows))
    return 0
  },
}

export const remove: CommandRow = {
  arguments: [{ name: 'NAME', kind: 'name', offer: 'caller', description: 'The caller.' }],
  options: OWNER,
  examples: [],
  async run(invocation) {
    const name = invocation.argument('NAME')
    const path = `/v1/callers/${encodeURIComponent(name)}`
    await createClient(invocation.place).ask({ method: 'DELETE', path })
    invocation.io.stderr.write(`The key of "${name}" no longer works.\n`)
    return 0
  },
}
