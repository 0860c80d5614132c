/** What the commands that ask a person have in common. */

/** Whether a person left a prompt with Ctrl-C; `@inquirer/prompts` exports no class for its error. */
export function isPromptLeft(error: unknown): boolean {
  return error instanceof Error && error.name === 'ExitPromptError'
}
