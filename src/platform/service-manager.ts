/**
 * What `service install`, `uninstall` and `status` need of a service manager. Each service manager,
 * such as systemd, launchd or the Task Scheduler, implements it in a file of its own.
 */
import type { App } from '../core/app.ts'

/** What a service runs. */
export interface Program {
  /** Real paths of Node and of our main file. */
  readonly node: string
  readonly main: string
  /** Changes when the program does, though its path stays: then the daemon starts again. */
  readonly digest: string
}

/** The service as it is to be installed. */
export interface ServiceDefinition {
  readonly program: Program
  /** After `serve`. */
  readonly options: readonly string[]
  readonly listen: { readonly host: string; readonly port: number }
  readonly apps: readonly App[]
  /** Whether, by the config, the service manager provides the vault key as a credential. */
  readonly keyIsCredential: boolean
  /** The group whose members are owners; a machine's service only. */
  readonly group: string | undefined
  /** Files that the daemon reads besides its program: the config, certificates. */
  readonly files: readonly string[]
  readonly stateDir: string
  /** Directories besides the state directory in which the daemon writes: those of token files. */
  readonly writable: readonly string[]
  /** A file of the package, such as `systemd/user/evo-token.service`. */
  readonly readTemplate: (path: string) => string
}

/** A file of the service as it is now. */
export interface InstalledFile {
  readonly path: string
  /** Undefined where there is none, empty for what is no file. */
  readonly text: string | undefined
  readonly changedByHand: boolean
}

/** A file of the service as it will be. */
export interface PlannedFile {
  readonly path: string
  readonly text: string
  readonly differs: boolean
  readonly changedByHand: boolean
  /** With a byte order mark, as Windows writes its own; UTF-8 unless it is given. */
  readonly encoding?: 'utf16le'
}

export interface ServicePlan {
  readonly files: readonly PlannedFile[]
  /** What `start` runs, as a person would type it. */
  readonly commands: readonly string[]
  /** Loads the files, which are written by then, and starts the service. @throws {SidecarError} `failed`. */
  start(): Promise<void>
}

export interface ServiceState {
  /** `failed`: it ended, and a restart will probably end the same way; `absent`: the manager does not know it. */
  readonly phase: 'starting' | 'running' | 'stopping' | 'failed' | 'absent'
  /** How often the manager has started it again by itself. */
  readonly restarts: number
  /** Properties of the service, with the names that the service manager gives them. */
  readonly properties: Readonly<Record<string, string>>
}

export interface ServiceManager {
  /** The owner's endpoint of the service; undefined where `endpoint.json` in `stateDir` names it. */
  readonly socket: string | undefined
  readonly stateDir: string
  /** The service manager's link to `stateDir`, which is removed with it. */
  readonly stateLink?: string
  /** The environment that the service starts with, as far as it decides where its files are. */
  readonly environment: Readonly<Record<string, string>>
  /** Where a machine's service has its config; undefined for the service of one user. */
  readonly machineConfig: string | undefined
  /** Shows the log, as a person would type it. */
  readonly logCommand: string
  /** What a person does to keep changes made by hand; begins the sentence "…, then give --force". */
  readonly keepChanges: string

  /** @throws {SidecarError} `failed` where this user may not change the service. */
  requireRights(): void
  /** @throws {SidecarError} `failed` where the service could not run that way. */
  plan(definition: ServiceDefinition): Promise<ServicePlan>
  installedFiles(): readonly InstalledFile[]
  /** The config that the installed service names; undefined where it names none. */
  installedConfig(): string | undefined
  state(): Promise<ServiceState>
  /** Stops the service, where it is installed or runs, and resolves when it is gone. */
  stop(): Promise<void>
  /** Tells the manager that the files are gone. */
  forget(): Promise<void>
  /** The program that prints the log, and with `follow` goes on with what comes. */
  logProgram(follow: boolean): { readonly file: string; readonly args: readonly string[] }
  /** The last lines of the log; empty where there is none. */
  readonly lastLog: () => Promise<string>
  /** For a person: what else brings this service, and counts without ours; undefined where nothing does. */
  readonly otherSource?: () => string | undefined
  /** What a person should know once the service is installed. */
  notes(): readonly string[]
}

/** Which service: the machine's, or that of a user. */
export interface ServiceScope {
  /** The machine's service, in place of that of this user. */
  readonly system: boolean
  readonly env: NodeJS.ProcessEnv
}

export interface ServiceOptions extends ServiceScope {
  /** Stops the daemon of this user in order, if one runs. */
  readonly stopDaemon: () => Promise<void>
}

export interface ServicePlatform {
  /** What is wrong with the options here; completes "`evo-token service install` …". */
  optionFault(options: {
    readonly system: boolean
    readonly group: string | undefined
  }): string | undefined
  /** @throws {SidecarError} `failed` where no such service manager runs. */
  find(options: ServiceOptions): Promise<ServiceManager>
}

/** The value of `--config` in the words of a command. */
export function configIn(command: readonly string[]): string | undefined {
  const at = command.indexOf('--config')
  return at < 0 ? undefined : command[at + 1]
}

/** The planned file, given what stands in its place. */
export function planFile(installed: InstalledFile, text: string): PlannedFile {
  return { ...installed, text, differs: installed.text !== text }
}
