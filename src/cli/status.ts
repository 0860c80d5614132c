/** `status`: how the apps are, once or for as long as one looks. It ends with 0 however they are. */
import { toStatus } from '../client/app-status.ts'
import { appPath, createClient } from '../client/connection.ts'
import type { Invocation } from './command.ts'
import { plain } from './plain.ts'
import { statusFields, statusTable } from './status-view.ts'

export async function run(invocation: Invocation): Promise<number> {
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
    io.stdout.write(statusFields(toStatus(answer), now))
    return 0
  }
  const statuses = (Array.isArray(answer.apps) ? answer.apps : [undefined]).map(toStatus)
  io.stdout.write(statusTable(statuses, now, takesColour(invocation)))
  // One vault for all of them: once is enough.
  const problem = statuses.find((status) => status.problem?.error === 'vault_locked')?.problem
  for (const { message, hint } of toProblems(answer.problems)) {
    io.stderr.write(`\n${plain(`${message} ${hint}`)}\n`)
  }
  if (problem) io.stderr.write(`\nvault_locked: ${plain(`${problem.message} ${problem.hint}`)}\n`)
  return 0
}

/** https://no-color.org */
function takesColour({ io }: Invocation): boolean {
  return io.stdout.isTTY && !io.env.NO_COLOR
}

/** What is wrong with the daemon itself; a daemon of an earlier version does not say. */
function toProblems(value: unknown): readonly { message: string; hint: string }[] {
  return Array.isArray(value) ? (value as { message: string; hint: string }[]) : []
}
