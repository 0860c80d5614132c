/** `status`: the state of the apps, once or continuously. The exit code is 0 whatever their state. */
import { toDaemonProblems, toStatusAnswer } from '../../client/status-answer.ts'
import { appPath, createClient } from '../../client/connection.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP, JSON_OUTPUT, CALLER_OPTIONS } from '../options.ts'
import { fold } from '../fold.ts'
import type { Io } from '../io.ts'
import { otherVersion, severalInPath } from '../programs.ts'
import { plain } from '../plain.ts'
import { statusFields, statusTable } from './status-view.ts'

export const status: CommandRow = {
  arguments: [{ ...APP, optional: true }],
  options: {
    watch: { type: 'boolean', description: 'Keep showing changes until interrupted.' },
    json: JSON_OUTPUT,
    ...CALLER_OPTIONS,
  },
  examples: [
    { line: 'evo-token status', says: 'A line per app.' },
    { line: 'evo-token status evo-me', says: 'Everything about one, and what to do.' },
  ],
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const { argument, flag, io } = invocation
  const client = createClient(invocation.place)
  const app = argument('APP')
  const answer = await client.ask({ path: app ? appPath(app) : '/v1/apps' })
  if (flag('watch')) {
    const { watch } = await import('./watch.ts')
    return watch(client, { app, asJson: flag('json'), io, colour: takesColour(invocation) })
  }
  if (flag('json')) {
    io.stdout.write(`${JSON.stringify(answer)}\n`)
    return 0
  }
  const now = Date.now()
  if (app) {
    io.stdout.write(fold(statusFields(toStatusAnswer(answer), now), io.stdout))
    const { lastActivity } = await import('./last-activity.ts')
    io.stdout.write(await lastActivity(client, app))
    return 0
  }
  const say = (words: string) => io.stderr.write(`\n${fold(plain(words), io.stderr)}\n`)
  const statuses = (Array.isArray(answer.apps) ? answer.apps : [undefined]).map(toStatusAnswer)
  io.stdout.write(statusTable(statuses, now, takesColour(invocation), widthOf(io)))
  if (statuses.length === 0) io.stderr.write('Describe one with `evo-token init`.\n')
  // All apps have one vault, so its problem is shown once.
  const problem = statuses.find((status) => status.problem?.error === 'vault_locked')?.problem
  const problems = toDaemonProblems(answer.problems)
  // A daemon whose files were replaced says so itself.
  const isReplaced = problems.some(({ error }) => error === 'restart_needed')
  const apart = [isReplaced ? undefined : otherVersion(answer), await severalInPath(io.env)]
  for (const words of apart) if (words !== undefined) say(words)
  for (const { message, hint } of problems) {
    say(`${message} ${hint}`)
  }
  const isTold = problems.some(({ message }) => message === problem?.message)
  if (problem && !isTold) say(`vault_locked: ${problem.message} ${problem.hint}`)
  return 0
}

/** In characters. Undefined, for all columns, where stdout is no terminal or does not know its width. */
export function widthOf({ stdout }: Io): number | undefined {
  return stdout.isTTY ? stdout.columns || undefined : undefined
}

/** https://no-color.org */
function takesColour({ io }: Invocation): boolean {
  return io.stdout.isTTY && !io.env.NO_COLOR
}
