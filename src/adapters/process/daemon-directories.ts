/**
 * Creates the daemon's directories with mode 0700, and refuses any that another user could reach
 * into: each must be ours and no symbolic link. The directories above them are not checked.
 */
import { lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs'
import type { Endpoint } from '../../core/endpoint.ts'
import type { Log } from '../../core/ports.ts'
import { SidecarError } from '../../errors.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { diskErrorInWords, isDiskError } from '../files/disk-errors.ts'
import { locations, ownerEndpoint } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'
import type { ChosenDirectory, PlaceOptions, Places } from '../../platform/for-clients.ts'
import { notPrivateBecause } from '../files/private-directory.ts'

export interface PreparedFor extends PlaceOptions {
  readonly uid: number
  /** systemd made the owner socket and its directory: that may belong to root. */
  readonly socketsInherited?: boolean
}

/** @throws {SidecarError} `config`, naming the directory and what corrects it. */
export function preparePlaces(options: PreparedFor): Places {
  const { uid, socketsInherited = false } = options
  const stateDir = prepareDirectory('state', locations.stateDirectory(options), uid)
  const runtime = locations.runtimeDirectory(options, stateDir)
  if (socketsInherited) return locations.placesIn(stateDir, runtime.path)
  const places = locations.placesIn(stateDir, prepareDirectory('runtime', runtime, uid))
  requireUsable(places.socket)
  return places
}

/**
 * Checks that the state directory is private where its mode does not show that (on Windows).
 *
 * @throws {SidecarError} `config`, naming the command that closes it.
 */
export async function requireClosed(stateDir: string, log: Log): Promise<void> {
  const answer = await platform.files.askAccess(stateDir, 'read')
  if (answer.kind === 'open') {
    throw new SidecarError('config', `The state directory ${stateDir} ${answer.reason}.`, {
      hint: `Close it with \`${answer.mend}\`, then start again; or ${HOW_TO_CHOOSE.state}.`,
    })
  }
  if (answer.kind === 'unknown') {
    log.warn(
      { dir: stateDir },
      'the system does not tell whether other users may read this directory',
    )
  }
}

/**
 * Makes the directory of the owner socket again, after a logout has removed it.
 *
 * @returns the path of the socket in it.
 * @throws {SidecarError} `config` where the directory cannot be used.
 */
export function prepareRuntimeAgain(places: Places, runtimeDir: string, uid: number): string {
  const path = prepareDirectory('runtime', { path: runtimeDir, byServiceManager: false }, uid)
  const { socket } = locations.placesIn(places.stateDir, path)
  requireUsable(socket)
  return socket
}

export async function writeEndpoint(path: string, endpoint: Endpoint): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(endpoint)}\n`, 0o600)
}

/** A killed daemon leaves the file behind: clients check that a daemon answers there. */
export async function removeEndpoint(path: string): Promise<void> {
  await platform.files.removeFile(path)
}

type DirectoryKind = 'state' | 'runtime'

const HOW_TO_CHOOSE: Readonly<Record<DirectoryKind, string>> = {
  state: 'choose another with --state-dir or $EVO_TOKEN_STATE_DIR',
  runtime: 'choose another with $EVO_TOKEN_RUNTIME_DIR',
}

/** The directory's real path. */
function prepareDirectory(
  kind: DirectoryKind,
  { path, byServiceManager }: ChosenDirectory,
  uid: number,
): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const real = byServiceManager ? realpathSync.native(path) : path
    requirePrivate(kind, real, lstatSync(real), uid)
    return real
  } catch (error) {
    if (!isDiskError(error)) throw error
    // mkdir says "exists" for anything else at this path.
    const words = error.code === 'EEXIST' ? 'it is not a directory' : diskErrorInWords(error)
    throw new SidecarError('config', `The ${kind} directory ${path} cannot be used: ${words}.`, {
      hint: `Make it usable for ${uid < 0 ? 'this user' : `uid ${uid}`}, or ${HOW_TO_CHOOSE[kind]}.`,
      cause: error,
    })
  }
}

function requirePrivate(kind: DirectoryKind, path: string, stats: Stats, uid: number): void {
  const reason = toDirectoryRefusal(path, stats, uid)
  if (reason === undefined) return
  throw new SidecarError('config', `The ${kind} directory ${path} ${reason}`, {
    hint: `Then start again; or ${HOW_TO_CHOOSE[kind]}.`,
  })
}

function toDirectoryRefusal(path: string, stats: Stats, uid: number): string | undefined {
  if (stats.isSymbolicLink()) {
    return 'is a symbolic link, which could be changed: name the directory itself.'
  }
  return notPrivateBecause(path, stats, uid)
}

function requireUsable(socket: string): void {
  const fault = ownerEndpoint.pathFault(socket)
  if (fault === undefined) return
  throw new SidecarError('config', `The path of the owner socket ${fault}: ${socket}`, {
    hint: 'Set $EVO_TOKEN_RUNTIME_DIR to a shorter directory, for the daemon and its clients.',
  })
}
