/** `init` and `config check`. Their code loads the whole schema of the config, so it is imported when they run. */
import { KEY_CHOICES } from '../../core/vault-key-source.ts'
import type { CommandRow } from '../command.ts'
import { CONFIG } from '../options.ts'

export const init: CommandRow = {
  arguments: [],
  options: {
    name: { type: 'string', placeholder: 'APP', description: 'What to call the app here.' },
    type: {
      type: 'string',
      placeholder: 'TYPE',
      choices: ['native', 'spa', 'web', 'service'],
      description: 'The type of the app, as registered in the Developer Portal.',
    },
    'client-id': { type: 'string', placeholder: 'ID', description: 'Its client id.' },
    scope: {
      type: 'string',
      placeholder: 'SCOPE',
      multiple: true,
      description: 'A scope to ask for, or several in quotation marks; may be repeated.',
    },
    'redirect-uri': {
      type: 'string',
      placeholder: 'URI',
      multiple: true,
      description: 'A redirect URI that is registered for it; may be repeated.',
    },
    issuer: { type: 'string', placeholder: 'URL', description: 'Its authorization server.' },
    'vault-key': {
      type: 'string',
      placeholder: 'PLACE',
      choices: KEY_CHOICES,
      description: 'Where to keep the key of the vault.',
    },
    reissue: {
      type: 'string',
      placeholder: 'CRON',
      description: 'When to get a new token whatever its age; service apps only.',
    },
    'evo-mcp': {
      type: 'string',
      placeholder: 'DIR',
      description: "A checkout of Seequent's evo-mcp server, which gets the token of the app.",
    },
    config: CONFIG,
    yes: { type: 'boolean', description: 'Ask nothing: use the options and the defaults.' },
    force: { type: 'boolean', description: 'Replace an app or a config that is there already.' },
  },
  examples: [
    { line: 'evo-token init', says: 'Asks for everything.' },
    {
      line: 'evo-token init --yes --name evo-me --type native --client-id native-1234',
      says: 'Asks for nothing.',
    },
  ],
  run: async (invocation) => (await import('./init.ts')).run(invocation),
}

export const configCheck: CommandRow = {
  arguments: [
    { name: 'FILE', kind: 'file', description: 'The file; else the usual one.', optional: true },
  ],
  options: {},
  examples: [],
  run: async (invocation) => (await import('./config-check.ts')).run(invocation),
}
