/** `caller add`, `caller list`, `caller remove`: the local programs that may ask for tokens. */
import { createClient } from '../../client/connection.ts'
import type { CommandRow } from '../command.ts'
import { JSON_OUTPUT, OWNER_OPTIONS } from '../options.ts'
import { renderTable } from '../table.ts'

export const callerAdd: CommandRow = {
  arguments: [{ name: 'NAME', kind: 'name', description: 'What to call the caller.' }],
  options: {
    app: {
      type: 'string',
      placeholder: 'APP',
      multiple: true,
      description: 'An app that it may use; may be repeated. Every app where none is named.',
    },
    expires: {
      type: 'string',
      placeholder: 'DURATION',
      description: 'How long its key works, such as 30d; without it the key does not expire.',
    },
    out: {
      type: 'string',
      placeholder: 'FILE',
      description: 'A new file for the key, which only you can read; else it goes to stdout.',
    },
    ...OWNER_OPTIONS,
  },
  examples: [
    {
      line: 'evo-token caller add notebook --app evo-me --expires 30d --out notebook.key',
      says: 'Writes the key to a file; it cannot be shown again.',
    },
  ],
  run: async (invocation) => (await import('./caller-add.ts')).run(invocation),
}

interface CallerJson {
  readonly name: string
  readonly apps: readonly string[]
  readonly created_at: string
  readonly last_used_at: string | null
  readonly expires_at?: string
}

export const callerList: CommandRow = {
  arguments: [],
  options: { json: JSON_OUTPUT, ...OWNER_OPTIONS },
  examples: [],
  async run(invocation) {
    const { io, flag } = invocation
    const answer = await createClient(invocation.place).ask({ path: '/v1/callers' })
    if (flag('json')) {
      io.stdout.write(`${JSON.stringify(answer)}\n`)
      return 0
    }
    const callers = (Array.isArray(answer.callers) ? answer.callers : []) as CallerJson[]
    const mayExpire = callers.some(({ expires_at }) => expires_at !== undefined)
    const rows = callers.map(({ name, apps, created_at, last_used_at, expires_at }) => [
      name,
      apps.includes('*') ? 'every app' : apps.join(' '),
      created_at,
      last_used_at ?? 'never',
      ...(mayExpire ? [expiryInWords(expires_at)] : []),
    ])
    const head = ['CALLER', 'APPS', 'MADE', 'LAST USED', ...(mayExpire ? ['EXPIRES'] : [])]
    io.stdout.write(renderTable(head, rows))
    return 0
  },
}

function expiryInWords(expiresAt: string | undefined): string {
  if (expiresAt === undefined) return 'never'
  return Date.parse(expiresAt) > Date.now() ? expiresAt : 'expired'
}

export const callerRemove: CommandRow = {
  arguments: [{ name: 'NAME', kind: 'name', offer: 'caller', description: 'The caller.' }],
  options: OWNER_OPTIONS,
  examples: [],
  async run(invocation) {
    const name = invocation.argument('NAME')
    const path = `/v1/callers/${encodeURIComponent(name)}`
    await createClient(invocation.place).ask({ method: 'DELETE', path })
    invocation.io.stderr.write(`The key of "${name}" no longer works.\n`)
    return 0
  },
}
