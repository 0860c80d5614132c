/** `activity`: what happened to the apps. `activity-run.ts` does it. */
import type { CommandRow } from '../command.ts'
import { APP, CALLER, JSON_OUTPUT } from '../options.ts'

export const activity: CommandRow = {
  details: 'Entries are kept for 7 days. A caller sees its own apps, the owner everything.',
  arguments: [{ ...APP, optional: true }],
  options: {
    since: {
      type: 'string',
      placeholder: 'TIME',
      description: 'How far back: a duration such as 2d or 3h. The last 50 entries without it.',
    },
    follow: { type: 'boolean', description: 'Go on showing what happens until interrupted.' },
    json: JSON_OUTPUT,
    ...CALLER,
    caller: {
      ...CALLER.caller,
      description: 'Only what this caller caused; with --url, the caller that the key is for.',
    },
  },
  examples: [
    { line: 'evo-token activity', says: 'What happened lately.' },
    { line: 'evo-token activity evo-me --since 1d', says: 'The last day of one app.' },
  ],
  run: async (invocation) => (await import('./activity-run.ts')).run(invocation),
}
