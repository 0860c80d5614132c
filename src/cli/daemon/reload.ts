/** `reload`: makes the daemon read its config again, and says what that changed. */
import { createClient } from '../../client/connection.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { OWNER_OPTIONS } from '../options.ts'
import { plain } from '../plain.ts'

export const reload: CommandRow = {
  arguments: [],
  options: OWNER_OPTIONS,
  examples: [],
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const answer = await createClient(invocation.place).ask({ method: 'POST', path: '/v1/reload' })
  const { stderr } = invocation.io
  for (const warning of toStrings(answer.warnings)) stderr.write(`warning: ${plain(warning)}\n`)
  for (const what of ['added', 'changed', 'removed']) {
    const apps = toStrings(answer[what])
    if (apps.length > 0) stderr.write(`${what}: ${plain(apps.join(', '))}\n`)
  }
  for (const app of toStrings(answer.sign_in_needed)) {
    stderr.write(`${plain(app)} needs a sign-in: evo-token login ${plain(app)}\n`)
  }
  const waiting = toStrings(answer.restart_needed)
  if (waiting.length > 0) {
    stderr.write(`Restart the daemon for the new ${plain(waiting.join(', '))}.\n`)
  }
  stderr.write('The config was read again.\n')
  return 0
}

function toStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
