/** `completion`: prints what makes a shell complete the commands, made from the table. */
import { bashCompletion } from './completion-bash.ts'
import { fishCompletion } from './completion-fish.ts'
import { zshCompletion } from './completion-zsh.ts'
import type { Invocation } from './command.ts'
import { COMMANDS } from './commands.ts'

const SCRIPTS: Readonly<Record<string, typeof bashCompletion>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

export function run({ argument, io }: Invocation): Promise<number> {
  io.stdout.write(SCRIPTS[argument('SHELL')]?.(COMMANDS) ?? '')
  return Promise.resolve(0)
}
