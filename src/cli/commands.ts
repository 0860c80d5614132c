/**
 * Every command, in the order of `--help`. Its own file has its arguments, options, examples and code,
 * and is loaded on demand, so that `get` and Tab stay quick.
 */
import type { Command, CommandRow } from './command.ts'

interface CommandEntry {
  readonly summary: string
  readonly load: () => Promise<CommandRow>
}

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: 'run the daemon, in the foreground',
    load: async () => (await import('./daemon/serve.ts')).serve,
  },
  init: {
    summary: 'write a config, by asking for what it needs',
    load: async () => (await import('./config/commands.ts')).init,
  },
  login: {
    summary: 'sign in to an app',
    load: async () => (await import('./signing-in/login.ts')).login,
  },
  logout: {
    summary: 'sign out of an app: revoke its tokens and forget them',
    load: async () => (await import('./signing-in/logout.ts')).logout,
  },
  get: {
    summary: "print an app's current access token",
    load: async () => (await import('./tokens/get.ts')).get,
  },
  refresh: {
    summary: 'renew the access token now',
    load: async () => (await import('./tokens/refresh.ts')).refresh,
  },
  status: {
    summary: 'show the apps and the state of their tokens',
    load: async () => (await import('./status/status.ts')).status,
  },
  activity: {
    summary: 'show what happened: sign-ins, renewals, failures, changes',
    load: async () => (await import('./status/activity.ts')).activity,
  },
  web: {
    summary: 'open a page in the browser that shows all of this',
    load: async () => (await import('./status/web.ts')).web,
  },
  run: {
    summary: 'run a program with the access token in its environment',
    load: async () => (await import('./tokens/run-program.ts')).runProgram,
  },
  export: {
    summary: 'print the access token as a variable, for `eval` or a file',
    load: async () => (await import('./tokens/export.ts')).exportToken,
  },
  secret: {
    summary: "store an app's client secret, from a hidden prompt or stdin",
    load: async () => (await import('./signing-in/secret.ts')).secret,
  },
  'caller add': {
    summary: 'make an access key for a local program',
    load: async () => (await import('./daemon/caller.ts')).callerAdd,
  },
  'caller list': {
    summary: 'list the callers, and the apps that each may use',
    load: async () => (await import('./daemon/caller.ts')).callerList,
  },
  'caller remove': {
    summary: 'remove a caller: its access key no longer works',
    load: async () => (await import('./daemon/caller.ts')).callerRemove,
  },
  'vault move-key': {
    summary: 'move the key of the vault to another place',
    load: async () => (await import('./daemon/vault.ts')).moveKey,
  },
  'vault rotate-key': {
    summary: 'make a new key for the vault and encrypt everything with it',
    load: async () => (await import('./daemon/vault.ts')).rotateKey,
  },
  'share migrate': {
    summary: 'create the database tables through which hosts share sessions',
    load: async () => (await import('./share/migrate.ts')).shareMigrate,
  },
  'share status': {
    summary: 'show the keepers, and which of them renews which app',
    load: async () => (await import('./share/status.ts')).shareStatus,
  },
  'share move': {
    summary: 'make this keeper the home of an app',
    load: async () => (await import('./share/commands.ts')).shareMove,
  },
  'share take-over': {
    summary: 'become the home of the apps of a keeper that is gone for good',
    load: async () => (await import('./share/commands.ts')).shareTakeOver,
  },
  'share leave': {
    summary: 'stop sharing the apps that this keeper is the home of',
    load: async () => (await import('./share/commands.ts')).shareLeave,
  },
  'share reader-key': {
    summary: 'make the keys with which a reader decrypts published tokens',
    load: async () => (await import('./share/reader-key.ts')).readerKey,
  },
  'service install': {
    summary: 'have systemd, launchd or Windows run the daemon from login on',
    load: async () => (await import('./service/commands.ts')).serviceInstall,
  },
  'service uninstall': {
    summary: 'stop the service and remove it; the vault stays',
    load: async () => (await import('./service/commands.ts')).serviceUninstall,
  },
  'service status': {
    summary: 'show the state of the service, from its manager and from the daemon',
    load: async () => (await import('./service/commands.ts')).serviceStatus,
  },
  logs: {
    summary: 'show the log of the service',
    load: async () => (await import('./service/commands.ts')).serviceLogs,
  },
  doctor: {
    summary: 'find out why there is no token, and how to mend it',
    load: async () => (await import('./doctor/command.ts')).doctor,
  },
  reload: {
    summary: 'make the daemon read its config again',
    load: async () => (await import('./daemon/reload.ts')).reload,
  },
  stop: {
    summary: 'stop the daemon in order',
    load: async () => (await import('./daemon/stop.ts')).stop,
  },
  'config check': {
    summary: 'read a config and say what is wrong with it',
    load: async () => (await import('./config/commands.ts')).configCheck,
  },
  'guard install': {
    summary: 'install git hooks that keep tokens out of commits',
    load: async () => (await import('./guard/commands.ts')).guardInstall,
  },
  'guard check': {
    summary: 'fail if a staged change holds a token or a secret',
    load: async () => (await import('./guard/commands.ts')).guardCheck,
  },
  'shell-init': {
    summary: 'print functions for sh, bash and zsh, or for PowerShell',
    load: async () => (await import('./tokens/shell-init.ts')).shellInit,
  },
  completion: {
    summary: 'print a script that makes a shell complete these commands',
    load: async () => (await import('./completion/scripts.ts')).completion,
  },
}

/** A command as help and completion list it, before its file is loaded. */
export interface ListedCommand extends CommandEntry {
  readonly words: readonly string[]
}

export const LISTED_COMMANDS: readonly ListedCommand[] = Object.entries(COMMANDS).map(
  ([name, entry]) => ({ words: name.split(' '), ...entry }),
)

/** The command that `typed` begins with; undefined for none. */
export async function findCommand(typed: readonly string[]): Promise<Command | undefined> {
  const found = LISTED_COMMANDS.find(({ words }) => words.every((word, at) => typed[at] === word))
  return found && loadCommand(found)
}

/** The commands of a group such as `caller`; empty where `word` names no group. */
export function commandsOfGroup(word: string): ListedCommand[] {
  return LISTED_COMMANDS.filter(({ words }) => words.length > 1 && words[0] === word)
}

export async function loadCommands(listed = LISTED_COMMANDS): Promise<Command[]> {
  return Promise.all(listed.map(loadCommand))
}

async function loadCommand({ words, summary, load }: ListedCommand): Promise<Command> {
  return { words, summary, ...(await load()) }
}
