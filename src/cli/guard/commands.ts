/** `guard install` and `guard check`. What they do is loaded when they run. */
import type { CommandRow } from '../command.ts'
import { OWNER } from '../options.ts'

export const install: CommandRow = {
  details:
    'Puts it into the hooks of the repository of the current directory that run before a commit comes about: by hand, by a merge, a cherry-pick, a revert or a patch from the mail. What else stands in a hook stays.',
  arguments: [],
  options: {},
  examples: [],
  run: async (invocation) => (await import('./install.ts')).run(invocation),
}

export const check: CommandRow = {
  details:
    'A line with the words `evo-token: allow` in it passes. EVO_TOKEN_GUARD=off in the environment lets everything pass, as `git commit --no-verify` does.',
  arguments: [],
  options: {
    range: {
      type: 'string',
      placeholder: 'A..B',
      description: 'Look at every commit from A to B, and at its message, instead.',
    },
    message: {
      type: 'string',
      placeholder: 'FILE',
      description: 'Look at the message of a commit instead; for a commit-msg hook.',
    },
    ...OWNER,
  },
  examples: [
    { line: 'evo-token guard check --range origin/main..HEAD', says: 'What a CI would look at.' },
  ],
  run: async (invocation) => (await import('./check.ts')).run(invocation),
}
