/** `doctor`. Its code loads much, so it is imported when it runs. */
import type { CommandRow } from '../command.ts'
import { APP, CONFIG, JSON_OUTPUT, OWNER_OPTIONS } from '../options.ts'

export const doctor: CommandRow = {
  details:
    'Stops at the first thing that is wrong. What it prints holds no secret and can be pasted in public.',
  arguments: [{ ...APP, optional: true }],
  options: {
    json: JSON_OUTPUT,
    'json-lines': {
      type: 'boolean',
      description: 'Print each check as a line of JSON as soon as it is done.',
    },
    names: {
      type: 'boolean',
      description: 'Name the Evo instances and workspaces too. Do not make that output public.',
    },
    'discovery-url': {
      type: 'string',
      placeholder: 'URL',
      description: "Evo's Discovery API ($EVO_DISCOVERY_URL; https://discover.api.seequent.com).",
    },
    config: CONFIG,
    ...OWNER_OPTIONS,
  },
  examples: [{ line: 'evo-token doctor evo-me', says: 'From the config up to Evo itself.' }],
  run: async (invocation) => (await import('./doctor.ts')).run(invocation),
}
