/**
 * Notices that the file of the owner socket is gone: the user's last logout removes /run/user/UID, and a
 * daemon that was started in tmux or with nohup goes on. The socket is made again there, or in the state directory.
 * So is `endpoint.json`, by which clients find a socket in another place than theirs.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { prepareRuntimeAgain, writeEndpoint } from '../adapters/process/daemon-directories.ts'
import type { Listener } from '../adapters/loopback/listener.ts'
import { atMostOncePerMinute } from '../adapters/loopback/connection-limit.ts'
import type { Log } from '../core/ports.ts'
import { codeOf } from '../errors.ts'
import type { Places } from '../platform/for-clients.ts'

export interface OwnerSocketWatch {
  readonly listener: Listener
  readonly places: Places
  readonly pid: number
  readonly uid: number
  readonly log: Log
}

/** A function that looks, and makes the socket again if it is gone: to be called at each heartbeat. */
export function createOwnerSocketWatch(watch: OwnerSocketWatch): () => Promise<void> {
  const { listener, places, pid, log } = watch
  const reportFailure = atMostOncePerMinute((err: unknown) => {
    log.error(
      { err },
      'the owner socket, or the file that names it, is gone and cannot be made again',
    )
  })
  let written = listener.ownerSocket.path
  return async () => {
    const gone = listener.ownerSocket.path
    try {
      const isGone = listener.ownerSocket.isGone()
      const socket = isGone ? await remakeSocket(watch) : gone
      const isNew = isGone || socket !== written
      if (socket === undefined || (!isNew && existsSync(places.endpoint))) return
      await writeEndpoint(places.endpoint, { url: listener.url, pid, socket })
      written = socket
      log.warn(
        { gone, socket },
        isNew
          ? `the owner socket was removed: it was made again at ${socket}`
          : `${places.endpoint} was removed: it was written again`,
      )
    } catch (error) {
      // An error without a code is a bug.
      if (codeOf(error) === undefined) throw error
      // The heartbeat has more to do, and the next one tries again.
      reportFailure(error)
    }
  }
}

/** The path of the new socket. @throws {SidecarError} `config`, `failed`; errors of the file system. */
async function remakeSocket({ listener, places, uid }: OwnerSocketWatch): Promise<string> {
  let failure: unknown
  for (const directory of [places.runtimeDir, join(places.stateDir, 'run')]) {
    try {
      const socket = prepareRuntimeAgain(places, directory, uid)
      await listener.ownerSocket.remake(socket)
      return socket
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      failure = error
    }
  }
  throw failure
}
