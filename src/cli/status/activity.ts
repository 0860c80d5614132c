/** `activity`: what happened to the apps. Its code is in `activity-run.ts`. */
import type { CommandRow } from '../command.ts'
import { APP, CALLER_OPTIONS, JSON_OUTPUT } from '../options.ts'

export const activity: CommandRow = {
  details: 'Entries are kept for 7 days. A caller sees its own apps, the owner everything.',
  arguments: [{ ...APP, optional: true }],
  options: {
    since: {
      type: 'string',
      placeholder: 'TIME',
      description: 'How far back: a duration such as 2d or 3h. Without it the last 50 entries.',
    },
    follow: { type: 'boolean', description: 'Keep printing what happens until interrupted.' },
    json: JSON_OUTPUT,
    ...CALLER_OPTIONS,
    caller: {
      ...CALLER_OPTIONS.caller,
      description: 'Only what this caller caused; with --url, the caller that the key is for.',
    },
  },
  examples: [
    { line: 'evo-token activity', says: 'The last 50 entries.' },
    { line: 'evo-token activity evo-me --since 1d', says: 'The last day of one app.' },
  ],
  run: async (invocation) => (await import('./activity-run.ts')).run(invocation),
}
