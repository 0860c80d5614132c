/** What a command is, and how it was called. */
import type { DaemonAddress } from '../client/daemon-address.ts'
import type { Io } from './io.ts'

export interface Option {
  readonly type: 'boolean' | 'string'
  readonly description: string
  /** The name of the value in help; for `string` options. */
  readonly placeholder?: string
  readonly multiple?: boolean
  /** The only valid values. */
  readonly choices?: readonly string[]
  /** What completion offers, if the placeholder does not say it. */
  readonly offer?: 'caller'
}

export interface Argument {
  /** As help shows it, in capitals. */
  readonly name: string
  readonly description: string
  /** `name` is the name of an app or a caller; `rest` is everything after `--`. */
  readonly kind: 'name' | 'file' | 'choice' | 'rest'
  /** The only valid values; for `choice`. */
  readonly choices?: readonly string[]
  /** What completion offers, if the name does not say it. */
  readonly offer?: 'caller'
  readonly optional?: boolean
  /** What stands in for an app that is not named: $EVO_TOKEN_APP, or the only app that is configured. */
  readonly fallback?: 'default-app' | undefined
}

export interface Example {
  readonly line: string
  readonly says: string
}

/** A command as its own file describes it. */
export interface CommandRow {
  /** More than the summary, for its own help. */
  readonly details?: string
  readonly arguments: readonly Argument[]
  /** Completes the sentence "`evo-token get` …" where an argument too many was typed. */
  readonly tooMany?: string
  readonly options: Readonly<Record<string, Option>>
  readonly examples: readonly Example[]
  /** Resolves with the exit code. */
  readonly run: (invocation: Invocation) => Promise<number>
}

/** A command with its name, word by word, and what the list of commands says it does. */
export interface Command extends CommandRow {
  readonly words: readonly string[]
  readonly summary: string
}

/** A command as it was typed, after its arguments and options were checked. */
export interface Invocation {
  readonly command: Command
  readonly io: Io
  /** Where to look for the daemon. */
  readonly place: DaemonAddress
  /** The value of the argument; empty where an optional one was left out. */
  readonly argument: (name: string) => string
  readonly flag: (option: string) => boolean
  readonly text: (option: string) => string | undefined
  readonly texts: (option: string) => readonly string[]
  /** What followed `--`, where the command takes that. */
  readonly rest: readonly string[]
}

/** The parsed arguments and options of a command. */
export interface ParsedArguments {
  readonly values: Readonly<
    Record<string, string | boolean | readonly (string | boolean)[] | undefined>
  >
  readonly positionals: readonly string[]
  /** What followed `--`, where the command takes that. */
  readonly rest: readonly string[]
}
