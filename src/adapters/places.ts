/**
 * Makes the directories of the daemon and refuses those that anybody else could reach into: ours,
 * 0700 from birth, no symbolic link. What lies above them is the machine's affair.
 */
import { lstatSync, mkdirSync, realpathSync, rmSync, type Stats } from 'node:fs'
import { SidecarError } from '../errors.ts'
import { writeFileAtomically } from './atomic-file.ts'
import { diskErrorInWords, isDiskError } from './disk-errors.ts'
import { notPrivateBecause } from './private-directory.ts'
import {
  type ChosenDirectory,
  type Endpoint,
  type PlaceOptions,
  type Places,
  placesIn,
  runtimeDirectory,
  SOCKET_PATH_MAX_BYTES,
  stateDirectory,
} from './state-paths.ts'

export interface PreparedFor extends PlaceOptions {
  readonly uid: number
  /** systemd made the owner socket, and its directory with it: that one may be root's. */
  readonly socketsHandedOver?: boolean
}

/** @throws {SidecarError} `config`, naming the directory and what mends it. */
export function preparePlaces(options: PreparedFor): Places {
  const { uid, socketsHandedOver = false } = options
  const stateDir = prepare('state', stateDirectory(options), uid)
  const runtime = runtimeDirectory(options, stateDir)
  if (socketsHandedOver) return placesIn(stateDir, runtime.path)
  const places = placesIn(stateDir, prepare('runtime', runtime, uid))
  requireShort(places.socket)
  return places
}

export async function writeEndpoint(path: string, endpoint: Endpoint): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(endpoint)}\n`, 0o600)
}

/** A daemon that was killed leaves it behind: whoever reads it looks whether anybody answers there. */
export function removeEndpoint(path: string): void {
  rmSync(path, { force: true })
}

type Kind = 'state' | 'runtime'

const HOW_TO_CHOOSE: Readonly<Record<Kind, string>> = {
  state: 'choose another with --state-dir or $EVO_TOKEN_STATE_DIR',
  runtime: 'choose another with $EVO_TOKEN_RUNTIME_DIR',
}

/** The directory's real path. */
function prepare(kind: Kind, { path, bySystemd }: ChosenDirectory, uid: number): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const real = bySystemd ? realpathSync.native(path) : path
    requirePrivate(kind, real, lstatSync(real), uid)
    return real
  } catch (error) {
    if (!isDiskError(error)) throw error
    // Where something else is in the way, mkdir says "exists" of whatever it is.
    const words = error.code === 'EEXIST' ? 'it is not a directory' : diskErrorInWords(error)
    throw new SidecarError('config', `The ${kind} directory ${path} cannot be used: ${words}.`, {
      hint: `Make it usable for uid ${uid}, or ${HOW_TO_CHOOSE[kind]}.`,
      cause: error,
    })
  }
}

function requirePrivate(kind: Kind, path: string, stats: Stats, uid: number): void {
  const reason = refusedBecause(path, stats, uid)
  if (reason === undefined) return
  throw new SidecarError('config', `The ${kind} directory ${path} ${reason}`, {
    hint: `Then start again; or ${HOW_TO_CHOOSE[kind]}.`,
  })
}

function refusedBecause(path: string, stats: Stats, uid: number): string | undefined {
  if (stats.isSymbolicLink()) {
    return 'is a symbolic link, which could be led elsewhere: name the directory itself.'
  }
  return notPrivateBecause(path, stats, uid)
}

function requireShort(socket: string): void {
  const length = Buffer.byteLength(socket)
  if (length <= SOCKET_PATH_MAX_BYTES) return
  throw new SidecarError(
    'config',
    `The path of the owner socket is ${length} bytes long, and ${SOCKET_PATH_MAX_BYTES} are the most that a socket's may have: ${socket}`,
    { hint: 'Set $EVO_TOKEN_RUNTIME_DIR to a shorter directory, for the daemon and its clients.' },
  )
}
