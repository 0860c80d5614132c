/** What differs between operating systems and every command needs. `evo-token get` loads it, so it is small. */
import type { Stats } from 'node:fs'

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
  /** Whether the names in an absolute path are those of files, and it depends on no current directory or drive. */
  mayBeFile(path: string): boolean
  /** The same text for two paths of one file, as far as their letters tell. */
  pathKey(path: string): string
}

export type FileOwner = Pick<Stats, 'uid'>
export type FileMode = Pick<Stats, 'mode'>

/** The owner of a file or directory, and what other users may do with it. Root may do everything anyway. */
export interface Ownership {
  /** The number of the user that this process runs as. */
  userId(): number
  isRoot(): boolean
  isOwn(stats: FileOwner, uid?: number): boolean
  /** Whether it is this user's or root's. */
  isTrusted(stats: FileOwner, uid?: number): boolean
  othersMayWrite(stats: FileMode): boolean
  /** Whether others may read it, write to it or, for a directory, reach into it. */
  othersMayEnter(stats: FileMode): boolean
  /** Whether its owner may run it as a program. */
  isProgram(stats: FileMode): boolean
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
   * What to connect to, or why not: the owner of the endpoint sees what we send.
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
  /** Where a shell looks for a command, in its order: in the absolute directories of PATH. */
  readonly commandPaths: (name: string, env: Env) => readonly string[]
}
