/** `guard install` and `guard check`. Their code is imported when they run. */
import type { CommandRow } from '../command.ts'
import { OWNER_OPTIONS } from '../options.ts'

export const guardInstall: CommandRow = {
  details:
    'Adds `guard check` to the hooks of the repository of the current directory that git runs before it commits: by hand, or for a merge, a cherry-pick, a revert or `git am`. What else a hook does stays.',
  arguments: [],
  options: {},
  examples: [],
  run: async (invocation) => (await import('./install.ts')).run(invocation),
}

export const guardCheck: CommandRow = {
  details:
    'A line with the words `evo-token: allow` in it passes. EVO_TOKEN_GUARD=off in the environment lets everything pass, as `git commit --no-verify` does.',
  arguments: [],
  options: {
    range: {
      type: 'string',
      placeholder: 'A..B',
      description: 'Check every commit from A to B, and its message, not what is staged.',
    },
    message: {
      type: 'string',
      placeholder: 'FILE',
      description: 'Check the message of a commit, for a commit-msg hook.',
    },
    ...OWNER_OPTIONS,
  },
  examples: [{ line: 'evo-token guard check --range origin/main..HEAD', says: 'For a CI.' }],
  run: async (invocation) => (await import('./check.ts')).run(invocation),
}
