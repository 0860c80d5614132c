/**
 * Notices that the file of the owner socket is gone: a last logout removes /run/user/UID, and what was
 * started in tmux or with nohup lives on. It is made anew there, or in the state directory.
 */
import { join } from 'node:path'
import { prepareRuntimeAgain, writeEndpoint } from '../adapters/places.ts'
import type { Listener } from '../adapters/loopback/listener.ts'
import { atMostOncePerMinute } from '../adapters/loopback/connection-limit.ts'
import type { Log } from '../core/ports.ts'
import { SidecarError } from '../errors.ts'
import type { Places } from '../platform/platform.ts'

export interface OwnerSocketWatch {
  readonly listener: Listener
  readonly places: Places
  readonly pid: number
  readonly uid: number
  readonly log: Log
}

/** A function that looks, and mends what it finds: to be called at each heartbeat. */
export function createOwnerSocketWatch(watch: OwnerSocketWatch): () => Promise<void> {
  const { listener, places, pid, log } = watch
  const reportFailure = atMostOncePerMinute((err: unknown) => {
    log.error({ err }, 'the owner socket is gone and cannot be made anew')
  })
  return async () => {
    if (!listener.isOwnerSocketGone()) return
    const gone = listener.socketPath
    try {
      const socket = await remake(watch)
      await writeEndpoint(places.endpoint, { url: listener.url, pid, socket })
      log.warn(
        { gone, socket },
        `the owner socket ${gone ?? ''} was removed: it is made anew at ${socket}`,
      )
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error
      reportFailure(error)
    }
  }
}

/** The path of the new socket. @throws {SidecarError} */
async function remake({ listener, places, uid }: OwnerSocketWatch): Promise<string> {
  let failure: unknown
  for (const directory of [places.runtimeDir, join(places.stateDir, 'run')]) {
    try {
      const socket = prepareRuntimeAgain(places, directory, uid)
      await listener.remakeOwnerSocket(socket)
      return socket
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error
      failure = error
    }
  }
  throw failure
}
