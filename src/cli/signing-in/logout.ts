/** `logout`: ends an app's session, at the authorization server too where it allows that. */
import { appPath, createClient } from '../../client/connection.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, OWNER_OPTIONS } from '../options.ts'
import { isPromptLeft } from '../prompts.ts'

export const logout: CommandRow = {
  // It asks before it signs out of an app that was not named, so it finds the default itself.
  arguments: [{ ...APP_OR_DEFAULT, fallback: undefined }],
  options: {
    yes: { type: 'boolean', description: 'Ask nothing where no app is named.' },
    ...OWNER_OPTIONS,
  },
  examples: [],
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const { stderr } = invocation.io
  const app = invocation.argument('APP') || (await confirmDefault(invocation))
  if (app === undefined) {
    stderr.write('Nothing was changed.\n')
    return 1
  }
  const { revoked } = await createClient(invocation.place).ask({
    method: 'POST',
    path: appPath(app, '/logout'),
  })
  const how =
    revoked === true
      ? 'and its tokens are revoked.'
      : 'here only: its authorization server did not confirm that the tokens are revoked.'
  stderr.write(`${app} is signed out, ${how}\n`)
  return 0
}

/** Undefined where the person says no or presses Ctrl-C. @throws {SidecarError} `invalid_request` without a person. */
async function confirmDefault(invocation: Invocation): Promise<string | undefined> {
  const { command, flag, io } = invocation
  const { defaultApp } = await import('../default-app.ts')
  const app = await defaultApp(invocation)
  if (flag('yes')) return app
  if (!io.stdin.isTTY || !io.stderr.isTTY) {
    const { usageFault } = await import('../usage.ts')
    throw usageFault(
      command,
      `has no terminal to ask on whether it means ${app}: name it, or give --yes`,
    )
  }
  const { confirm } = await import('@inquirer/prompts')
  const message = `Sign out of ${app}?`
  try {
    const terminal = { input: io.stdin, output: io.stderr }
    return (await confirm({ message, default: false }, terminal)) ? app : undefined
  } catch (error) {
    if (isPromptLeft(error)) return undefined
    throw error
  }
}
