/** Arguments and options that several commands share. */
import type { Argument, Option } from './command.ts'

export const APP: Argument = {
  name: 'APP',
  kind: 'name',
  description: 'The name of an app in the config.',
}

/** For commands that take the default app where none is named. */
export const APP_OR_DEFAULT: Argument = {
  ...APP,
  optional: true,
  fallback: 'default-app',
  description: 'An app in the config; else $EVO_TOKEN_APP, or the one app that is configured.',
}

export const JSON_OUTPUT: Option = { type: 'boolean', description: 'Print JSON.' }

export const CONFIG: Option = {
  type: 'string',
  placeholder: 'FILE',
  description: 'The config file ($EVO_TOKEN_CONFIG; ~/.config/evo-token/config.json).',
}

export const STATE_DIR: Option = {
  type: 'string',
  placeholder: 'DIR',
  description: 'The state directory ($EVO_TOKEN_STATE_DIR; ~/.local/state/evo-token).',
}

/** For commands of the owner alone, which go through the owner socket. */
export const OWNER_OPTIONS = {
  socket: { type: 'string', placeholder: 'PATH', description: 'The owner socket of the daemon.' },
  'state-dir': STATE_DIR,
} as const satisfies Record<string, Option>

/** For commands that a caller may run too, over TCP. */
export const CALLER_OPTIONS = {
  ...OWNER_OPTIONS,
  url: {
    type: 'string',
    placeholder: 'URL',
    description: 'Ask over TCP, as a caller ($EVO_TOKEN_URL).',
  },
  'key-file': {
    type: 'string',
    placeholder: 'FILE',
    description: 'Holds the access key for --url ($EVO_TOKEN_KEY_FILE; STATE-DIR/access-key).',
  },
  caller: {
    type: 'string',
    placeholder: 'NAME',
    offer: 'caller',
    description: 'The caller that the key was made for ($EVO_TOKEN_CALLER; local).',
  },
} as const satisfies Record<string, Option>
