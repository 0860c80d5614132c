/**
 * What differs between operating systems, as small interfaces. The implementations are in a folder
 * for each family, and `chosen.ts` picks those of the system that this process runs on.
 */
import type { Stats } from 'node:fs'
import type { Server } from 'node:net'
import type { Env } from './for-clients.ts'

/** The owner's endpoint, as the daemon makes it. */
export interface OwnerListener {
  /** Makes `server` listen at `path`, for the owner alone. @throws {SidecarError} `failed`. */
  bindOwnerEndpoint(
    server: Server,
    options: {
      readonly socketPath: string
      /** Whether the lock of the state directory is held: without it, what is there is left alone. */
      readonly lockHeld: boolean
      readonly backlog: number
    },
  ): Promise<void>
  /** Tells the file of the owner's endpoint from others that take its place; undefined where there is none. */
  endpointIdentity(path: string): string | undefined
  /** The path of the owner's endpoint that the service manager passed as `descriptor`; undefined where it is unknown. */
  pathOfInherited(descriptor: number): string | undefined
}

/** Whether others can reach what is at a path, where `Stats` do not show that. */
export type AccessAnswer =
  | { readonly kind: 'closed' }
  /** `reason` completes "The state directory …"; `mend` is a command. */
  | { readonly kind: 'open'; readonly reason: string; readonly mend: string }
  | { readonly kind: 'unknown' }

/** Operations on files that differ between operating systems. */
export interface Files {
  /** For open(2): a symbolic link in the place of the file is an error. */
  readonly NO_FOLLOW: number
  /** For open(2): does not wait for a named pipe in the place of the file. */
  readonly NO_WAIT: number
  /** Puts `from` in the place of `to`: readers of `to` find the old file or the new one. */
  replaceFile(from: string, to: string): Promise<void>
  /** Runs `act`, which uses a file; on Windows again, for a while, where another program has the file open exclusively. */
  whenFree<T>(act: () => T | Promise<T>): Promise<T>
  /** Deletes the file, if it is there. */
  removeFile(path: string): Promise<void>
  /** Makes what was created, renamed or deleted in `directory` durable. */
  syncDirectory(directory: string): Promise<void>
  /** Creates a file with the mode and owner of `original`; without one, private to this user. */
  createLike(path: string, original: Stats | undefined): number
  /**
   * Opens the file and takes its lock, which the kernel drops with this process: a plain descriptor,
   * not a `FileHandle`, which the garbage collector may close. Undefined where another process has the lock.
   *
   * @throws {SidecarError} `failed` where the file cannot be locked; errors of the file system.
   */
  openLocked(path: string): Promise<number | undefined>
  /** The file with the pid of the process that holds the lock: the lock itself, where others can read that. */
  pidFileOf(lock: string): string
  /** A umask that takes rights from the owner would make directories that the daemon cannot use. */
  keepOwnersRights(): void
  /** Whether other users have `access` to what is at `path`, beyond what `Ownership` tells. */
  askAccess(path: string, access: 'read' | 'write'): Promise<AccessAnswer>
}

/** The user of this machine at the other end of a loopback connection. */
export type Peer =
  | { readonly kind: 'user'; readonly uid: number }
  /** It has closed the connection, so its user is no longer certain. */
  | { readonly kind: 'gone' }
  /** This system does not show it. */
  | { readonly kind: 'unknown' }

/** The two ends of a connection, as a `Socket` has them. */
export interface Ends {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
}

export type PeerLookup = (ends: Ends) => Promise<Peer>

/** The users whose programs listen on `port` of one of `addresses`, or of all addresses; empty where that is not known. */
export type PortUsersLookup = (
  port: number,
  addresses: readonly string[],
) => Promise<readonly number[]>

/** Signals to a running process. */
export interface Signals {
  /** Ignores the signals that would make Node open its inspector. */
  refuseInspector(): void
  onReload(reload: () => void): void
  /** Resolves at a signal to stop. */
  waitForStop(): Promise<void>
  /** What `run` passes on to its program. */
  readonly PASSED_ON: readonly NodeJS.Signals[]
  /** Whether the child of `run` gets the signal by itself: passed on as well, it would come twice. */
  readonly reachesPrograms: (signal: NodeJS.Signals, onTerminal: boolean) => boolean
}

export interface Desktop {
  /** The command that shows a notice; undefined where there is no desktop. */
  readonly noticeCommand: (text: string, env: Env) => readonly string[] | undefined
  /** Whether a browser would open on the screen of the person at this terminal. */
  mayOpenBrowser(env: Env): boolean
  /** The command that opens a web address; undefined where the library `open` knows best. */
  readonly browserCommand: (url: string, env: Env) => readonly [string, ...string[]] | undefined
}

/** What differs between keychains beneath keytar. */
export interface Keychain {
  /** The environment in which keytar reaches it. */
  sessionEnv(env: NodeJS.ProcessEnv, runtimeDirs?: string): NodeJS.ProcessEnv
  /** Opens no prompt. `unlocked`: where keytar finds nothing, there is certainly no item. */
  lockState(env: NodeJS.ProcessEnv, timeoutMs: number): Promise<'locked' | 'unlocked' | 'unknown'>
  /** What is probably missing where keytar does not load; completes "There is no keychain here". */
  readonly MISSING: string
}

/** What the kernel lets this process have. */
export interface ProcessLimits {
  /** How many files and connections it may have open at once (RLIMIT_NOFILE); undefined where that is not known. */
  openFiles(): number | undefined
  /** Keeps a crash from leaving the memory of this process in a file. Resolves with whether that is certain. */
  forbidCoreDumps(env: NodeJS.ProcessEnv): Promise<boolean>
}

/** Everything that the daemon needs, and commands other than `get`. */
export interface Platform {
  readonly files: Files
  readonly ownerListener: OwnerListener
  readonly signals: Signals
  readonly desktop: Desktop
  readonly keychain: Keychain
  readonly limits: ProcessLimits
  createPeerLookup(): PeerLookup
  /** Whether the group is that of the user `uid` alone, as far as this machine's own files tell. */
  isPrivateGroup(gid: number, uid: number): boolean
  readonly usersOfPort: PortUsersLookup
  /** Identifies this machine, and is confidential; null where there is no id, as in many containers. */
  readMachineId(): Promise<string | null>
  /** Changes with each start of the machine; empty where the system has none. */
  readBootId(): Promise<string>
  /** The command, as a person would type it, that shows which program has a TCP port. */
  portHolderCommand(port: number): string
  /**
   * What to start for the name of a program, which a shell would look for in PATH: spawn(2) of Windows would take
   * one in the current directory first. Undefined where there is none.
   */
  readonly programFor: (name: string, env: Env) => string | undefined
  /** `env` with `variables` in place of its own; on Windows names are compared without case. */
  readonly environmentWith: (env: Env, variables: Env) => NodeJS.ProcessEnv
  /** The shell that most people type into. */
  readonly shell: 'sh' | 'powershell'
  /** `text` as one word of a shell, so that a command with it can be pasted. */
  readonly quoted: (text: string) => string
}
