/**
 * Every command as data: parsing, `--help`, completion and the manual page are made from this one
 * table. A command's module is loaded when it is called, so that `get` stays quick.
 */
import type { Argument, Command, Option } from './command.ts'

const APP: Argument = {
  name: 'APP',
  kind: 'name',
  description: 'The name of an app in the config.',
}

const JSON_OUTPUT: Option = { type: 'boolean', description: 'Print JSON.' }

const SYSTEM: Option = { type: 'boolean', description: "The machine's service, not yours." }

const FORCE: Option = { type: 'boolean', description: 'Also files that a person changed.' }

const CONFIG: Option = {
  type: 'string',
  placeholder: 'FILE',
  description: 'The config file ($EVO_TOKEN_CONFIG; ~/.config/evo-token/config.json).',
}

const STATE_DIR: Option = {
  type: 'string',
  placeholder: 'DIR',
  description: 'The state directory ($EVO_TOKEN_STATE_DIR; ~/.local/state/evo-token).',
}

/** For commands that only the owner may give: they go through the owner socket. */
const OWNER = {
  socket: { type: 'string', placeholder: 'PATH', description: 'The owner socket of the daemon.' },
  'state-dir': STATE_DIR,
} as const satisfies Record<string, Option>

/** For commands that any caller may give. */
const CALLER = {
  ...OWNER,
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

export const COMMANDS: readonly Command[] = [
  {
    words: ['serve'],
    summary: 'run the daemon, in the foreground',
    arguments: [],
    options: {
      config: CONFIG,
      'state-dir': STATE_DIR,
      'take-over': {
        type: 'boolean',
        description: 'Use a vault that another machine wrote. Stop the daemon there first.',
      },
      'log-level': {
        type: 'string',
        placeholder: 'LEVEL',
        choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
        description: 'How much to log, whatever the config says.',
      },
    },
    examples: [{ line: 'evo-token serve', says: 'Log lines go to stdout, as JSON.' }],
    load: () => import('./serve.ts'),
  },
  {
    words: ['init'],
    summary: 'write a config, by asking for what it needs',
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
        description: 'A scope to ask for; may be repeated.',
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
        choices: ['auto', 'keychain', 'file', 'credential'],
        description: 'Where to keep the key of the vault.',
      },
      reissue: {
        type: 'string',
        placeholder: 'CRON',
        description: 'When to get a new token whatever its age; service apps only.',
      },
      config: CONFIG,
      yes: { type: 'boolean', description: 'Ask nothing: take the defaults.' },
      force: { type: 'boolean', description: 'Replace an app or a config that is there already.' },
    },
    examples: [
      { line: 'evo-token init', says: 'Asks for everything.' },
      {
        line: 'evo-token init --yes --name evo-me --type native --client-id native-1234',
        says: 'Asks for nothing.',
      },
    ],
    load: () => import('./config/init.ts'),
  },
  {
    words: ['login'],
    summary: 'sign in to an app',
    arguments: [APP],
    options: {
      device: {
        type: 'boolean',
        description: 'Show a code to type in on any other device, instead of opening a browser.',
      },
      'no-browser': {
        type: 'boolean',
        description: 'Print the link, and read the address that the browser ends on from stdin.',
      },
      'switch-user': { type: 'boolean', description: 'Sign in as somebody else than before.' },
      ...OWNER,
    },
    examples: [
      { line: 'evo-token login evo-me', says: 'Opens the browser.' },
      { line: 'evo-token login evo-me --no-browser', says: 'On a machine without a screen.' },
    ],
    load: () => import('./signing-in/login.ts'),
  },
  {
    words: ['logout'],
    summary: 'sign out of an app: revoke its tokens and forget them',
    arguments: [APP],
    options: OWNER,
    examples: [],
    load: () => import('./signing-in/logout.ts'),
  },
  {
    words: ['get'],
    summary: "print an app's current access token",
    arguments: [APP],
    options: {
      'min-ttl': {
        type: 'string',
        placeholder: 'SECONDS',
        description: 'Get a token that lives at least that long.',
      },
      json: { type: 'boolean', description: 'Print the whole answer, with its expiry.' },
      header: { type: 'boolean', description: 'Print the Authorization header.' },
      ...CALLER,
    },
    examples: [
      {
        line: 'evo-token get evo-me --header | curl -H @- https://…',
        says: 'Keeps the token out of argv.',
      },
    ],
    load: () => import('./tokens/get.ts'),
  },
  {
    words: ['refresh'],
    summary: 'get a new access token now',
    arguments: [APP],
    options: CALLER,
    examples: [],
    load: () => import('./tokens/refresh.ts'),
  },
  {
    words: ['status'],
    summary: 'show the apps and how their tokens are',
    arguments: [{ ...APP, optional: true }],
    options: {
      watch: { type: 'boolean', description: 'Go on showing changes until interrupted.' },
      json: JSON_OUTPUT,
      ...CALLER,
    },
    examples: [
      { line: 'evo-token status', says: 'A line per app.' },
      { line: 'evo-token status evo-me', says: 'Everything about one, and what to do.' },
    ],
    load: () => import('./status/status.ts'),
  },
  {
    words: ['run'],
    summary: 'run a program with the access token in its environment',
    details:
      'A program that outlives the token finds EVO_TOKEN_APP, EVO_TOKEN_URL, EVO_TOKEN_KEY_FILE and EVO_TOKEN_CALLER as well: the clients for Python and JavaScript need no more.',
    arguments: [APP, { name: 'CMD', kind: 'rest', description: 'The program and its arguments.' }],
    options: {
      env: {
        type: 'string',
        placeholder: 'NAME',
        description: 'The variable that gets the token (EVO_ACCESS_TOKEN).',
      },
      ...CALLER,
    },
    examples: [
      { line: 'evo-token run evo-me -- python job.py', says: 'Exits as the program does.' },
    ],
    load: () => import('./tokens/run-program.ts'),
  },
  {
    words: ['secret'],
    summary: "store an app's client secret, from a hidden prompt or stdin",
    details:
      'An app whose tokenEndpointAuthMethod is private_key_jwt has a private key in place of a client secret: --private-key stores that.',
    arguments: [APP],
    options: {
      'private-key': {
        type: 'string',
        placeholder: 'FILE',
        description: 'Store the private key in FILE (- for stdin), PEM (PKCS#8) or JWK.',
      },
      ...OWNER,
    },
    examples: [
      { line: 'evo-token secret evo-pipeline', says: 'Asks for it.' },
      { line: 'pass show evo/pipeline | evo-token secret evo-pipeline', says: 'Reads one line.' },
      {
        line: 'evo-token secret evo-pipeline --private-key key.pem',
        says: 'For an app that signs in with a key.',
      },
    ],
    load: () => import('./signing-in/secret.ts'),
  },
  {
    words: ['caller', 'add'],
    summary: 'make an access key for a local program',
    arguments: [{ name: 'NAME', kind: 'name', description: 'What to call the caller.' }],
    options: {
      app: {
        type: 'string',
        placeholder: 'APP',
        multiple: true,
        description: 'An app that it may use; may be repeated. All apps where none is named.',
      },
      ...OWNER,
    },
    examples: [
      {
        line: '(umask 077; evo-token caller add notebook --app evo-me > notebook.key)',
        says: 'The key is shown this once.',
      },
    ],
    load: () => import('./daemon/caller.ts').then(({ add }) => add),
  },
  {
    words: ['caller', 'list'],
    summary: 'list the callers and the apps that they may use',
    arguments: [],
    options: { json: JSON_OUTPUT, ...OWNER },
    examples: [],
    load: () => import('./daemon/caller.ts').then(({ list }) => list),
  },
  {
    words: ['caller', 'remove'],
    summary: "make a caller's access key worthless",
    arguments: [{ name: 'NAME', kind: 'name', offer: 'caller', description: 'The caller.' }],
    options: OWNER,
    examples: [],
    load: () => import('./daemon/caller.ts').then(({ remove }) => remove),
  },
  {
    words: ['vault', 'move-key'],
    summary: 'move the key of the vault to another place',
    arguments: [],
    options: {
      to: {
        type: 'string',
        placeholder: 'PLACE',
        choices: ['keychain', 'file'],
        description: 'Where to keep it from now on.',
      },
      ...OWNER,
    },
    examples: [{ line: 'evo-token vault move-key --to keychain', says: '' }],
    load: () => import('./daemon/vault.ts').then(({ moveKey }) => moveKey),
  },
  {
    words: ['vault', 'rotate-key'],
    summary: 'make a new key for the vault and encrypt everything with it',
    arguments: [],
    options: OWNER,
    examples: [],
    load: () => import('./daemon/vault.ts').then(({ rotateKey }) => rotateKey),
  },
  {
    words: ['service', 'install'],
    summary: 'have systemd or launchd run the daemon, from login on',
    arguments: [],
    options: {
      system: SYSTEM,
      group: {
        type: 'string',
        placeholder: 'NAME',
        description: 'With --system: the group whose members are owners of the daemon.',
      },
      config: CONFIG,
      'dry-run': { type: 'boolean', description: 'Print the files and commands; change nothing.' },
      force: FORCE,
    },
    examples: [],
    load: () => import('./service/install.ts'),
  },
  {
    words: ['service', 'uninstall'],
    summary: 'stop the service and remove it; the vault stays',
    arguments: [],
    options: {
      system: SYSTEM,
      purge: {
        type: 'boolean',
        description: 'Remove the state directory too: every session and secret in it is lost.',
      },
      force: FORCE,
    },
    examples: [],
    load: () => import('./service/uninstall.ts'),
  },
  {
    words: ['service', 'status'],
    summary: 'show what systemd or launchd and the daemon say of the service',
    arguments: [],
    options: { system: SYSTEM, json: JSON_OUTPUT },
    examples: [],
    load: () => import('./service/status.ts'),
  },
  {
    words: ['doctor'],
    summary: 'find out why no token comes, and how to mend it',
    details:
      'Stops at the first thing that is wrong. What it prints holds no secret and can be pasted in public.',
    arguments: [{ ...APP, optional: true }],
    options: {
      json: JSON_OUTPUT,
      names: {
        type: 'boolean',
        description: 'Name the Evo instances and workspaces too: not for the public.',
      },
      'discovery-url': {
        type: 'string',
        placeholder: 'URL',
        description: "Evo's Discovery API ($EVO_DISCOVERY_URL; https://discover.api.seequent.com).",
      },
      config: CONFIG,
      ...OWNER,
    },
    examples: [{ line: 'evo-token doctor evo-me', says: 'From the config up to Evo itself.' }],
    load: () => import('./doctor/doctor.ts'),
  },
  {
    words: ['reload'],
    summary: 'make the daemon read its config again',
    arguments: [],
    options: OWNER,
    examples: [],
    load: () => import('./daemon/reload.ts'),
  },
  {
    words: ['config', 'check'],
    summary: 'read a config and say what is wrong with it',
    arguments: [
      { name: 'FILE', kind: 'file', description: 'The file; else the usual one.', optional: true },
    ],
    options: {},
    examples: [],
    load: () => import('./config/config-check.ts'),
  },
  {
    words: ['guard', 'install'],
    summary: 'install a git hook that keeps tokens out of commits',
    details:
      'Puts it into the hooks of the repository of the current directory that run before a commit comes about: by hand, by a merge, a cherry-pick, a revert or a patch from the mail. What else stands in a hook stays.',
    arguments: [],
    options: {},
    examples: [],
    load: () => import('./guard/install.ts'),
  },
  {
    words: ['guard', 'check'],
    summary: 'refuse where a staged change holds a token or a secret',
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
    load: () => import('./guard/check.ts'),
  },
  {
    words: ['shell-init'],
    summary: 'print shell functions that use curl alone, for sh, bash and zsh',
    details: 'Defines `evo_token APP`, and `evo_curl APP URL…`, which is curl with the token.',
    arguments: [],
    options: OWNER,
    examples: [{ line: 'eval "$(evo-token shell-init)"', says: 'For ~/.bashrc or ~/.zshrc.' }],
    load: () => import('./tokens/shell-init.ts'),
  },
  {
    words: ['completion'],
    summary: 'print what makes a shell complete these commands',
    details: 'The names of apps come from the daemon, whenever one is completed.',
    arguments: [
      {
        name: 'SHELL',
        kind: 'choice',
        choices: ['bash', 'zsh', 'fish'],
        description: 'One of bash, zsh and fish.',
      },
    ],
    options: {},
    examples: [
      { line: 'eval "$(evo-token completion bash)"', says: 'For ~/.bashrc.' },
      { line: 'eval "$(evo-token completion zsh)"', says: 'For ~/.zshrc, below compinit.' },
      { line: 'evo-token completion fish | source', says: 'For ~/.config/fish/config.fish.' },
    ],
    load: () => import('./completion/scripts.ts'),
  },
]
