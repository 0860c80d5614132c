/**
 * What differs between operating systems, as small interfaces. The implementations are in a folder
 * for each family, and `chosen.ts` picks those of the system that this process runs on.
 */
import type { Stats } from 'node:fs'
import type { Server } from 'node:net'

export type Env = Readonly<Record<string, string | undefined>>

export interface PlaceOptions {
  readonly env: Env
  readonly home: string
  readonly flags: { readonly stateDir?: string | undefined }
}

export interface ChosenDirectory {
  readonly path: string
  /** Whether the service manager named it: then it may be a link that the service manager made. */
  readonly byServiceManager: boolean
}

/** Where the daemon and its files are. */
export interface Places {
  readonly stateDir: string
  readonly runtimeDir: string
  /** The owner's endpoint. */
  readonly socket: string
  readonly endpoint: string
  readonly accessKey: string
  /** Where the owner's endpoint needs a key; see `OwnerEndpoint.keyed`. */
  readonly ownerKey: string
  readonly lock: string
  readonly activity: string
  readonly vault: string
  readonly vaultKey: string
}

/** Where files are, as in the README's table. These functions only compute paths. */
export interface Locations {
  homeOf(env: Env): string
  /** Where the config is: `option` (of `--config`), else what the environment says, else below `home`. */
  configPath(option: string | undefined, env: Env, home: string): string
  stateDirectory(options: PlaceOptions): ChosenDirectory
  runtimeDirectory(options: PlaceOptions, stateDir: string): ChosenDirectory
  placesIn(stateDir: string, runtimeDir: string): Places
  /** The paths by name only; the daemon's `preparePlaces` creates and checks them. */
  findPlaces(options: PlaceOptions): Places
}

type Owner = Pick<Stats, 'uid'>
type Mode = Pick<Stats, 'mode'>

/** Whose a file or directory is, and what other users may do with it. Root may do everything anyway. */
export interface Ownership {
  /** The number of the user that this process runs as. */
  userId(): number
  isRoot(): boolean
  isOwn(stats: Owner, uid?: number): boolean
  /** Whether it is this user's or root's. */
  isTrusted(stats: Owner, uid?: number): boolean
  othersMayWrite(stats: Mode): boolean
  /** Whether others may read it, write to it or, for a directory, reach into it. */
  othersMayEnter(stats: Mode): boolean
  /** Whether its owner may run it as a program. */
  isProgram(stats: Mode): boolean
}

/**
 * The owner's endpoint, as a client sees it: a socket, whose owner and permissions the file system
 * keeps, or a named pipe of Windows, on which both ends prove who they are.
 */
export interface OwnerEndpoint {
  /**
   * Whether others may connect, or listen in its place: then the daemon proves that it knows the key in
   * `Places.ownerKey` before a client shows it, as on TCP.
   */
  readonly keyed: boolean
  /** Where the service of a machine listens; undefined where there is no such service. */
  readonly MACHINE_SOCKET: string | undefined
  /** Where to look besides `endpoint.json`. */
  usualPaths(places: Places): readonly string[]
  /** Why no endpoint can be at `path`; completes "The path of the owner socket …". */
  pathFault(path: string): string | undefined
  /**
   * What to connect to, or why it is not to be used: its owner sees what we send there.
   *
   * @param named whether a person named it, rather than the usual place.
   */
  usable(path: string, named: boolean): { readonly path: string } | { readonly reason: string }
}

/** What every command needs. */
export interface ForClients {
  readonly locations: Locations
  readonly ownership: Ownership
  readonly ownerEndpoint: OwnerEndpoint
  /** The command, as a person would type it, that ends a process. */
  readonly endCommand: (pid: number) => string
}

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
  identityOf(path: string): string | undefined
  /** The path of the owner's endpoint that the service manager passed as `descriptor`; undefined where it is unknown. */
  pathOfInherited(descriptor: number): string | undefined
}

/** Who may reach what is at a path, where `Stats` do not tell. */
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

/** The user ids of those who listen on `port` of one of `addresses`, or of all; empty where nothing tells. */
export type PortUsersLookup = (
  port: number,
  addresses: readonly string[],
) => Promise<readonly number[]>

/** Signals to a running process. */
export interface Signals {
  /** Keeps another process from making Node open its inspector. */
  refuseInspector(): void
  onReload(reload: () => void): void
  /** Resolves at a signal to stop. */
  waitForStop(): Promise<void>
  /** What `run` passes on to its program. */
  readonly PASSED_ON: readonly NodeJS.Signals[]
  /** Whether the program that `run` runs gets it by itself: passed on besides, it would come twice. */
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
  /** Opens no prompt. `unlocked`: an answer of nothing certainly means that there is no item. */
  lockState(env: NodeJS.ProcessEnv, timeoutMs: number): Promise<'locked' | 'unlocked' | 'unknown'>
  /** What is probably missing where keytar does not load; completes "There is no keychain here". */
  readonly MISSING: string
}

/** What the kernel lets this process have. */
export interface ProcessLimits {
  /** How many files and connections it may have open at once (RLIMIT_NOFILE); undefined where nothing tells. */
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
  /** Another one after each start of the machine; empty where the system tells none. */
  readBootId(): Promise<string>
  /** The command, as a person would type it, that shows which program has a TCP port. */
  portHolderCommand(port: number): string
  /** The shell that most people type into. */
  readonly shell: 'sh' | 'powershell'
  /** `text` as one word of a shell, so that a command with it can be pasted. */
  readonly quoted: (text: string) => string
}
