/**
 * Notices that the file of the owner socket is gone: a last logout removes /run/user/UID, and what was
 * started in tmux or with nohup lives on. It is made anew there, or in the state directory.
 */
import { join } from 'node:path'
import { prepareRuntimeAgain, writeEndpoint } from '../adapters/process/daemon-directories.ts'
import type { Listener } from '../adapters/loopback/listener.ts'
import { atMostOncePerMinute } from '../adapters/loopback/connection-limit.ts'
import type { Log } from '../core/ports.ts'
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
  let written = listener.socketPath
  return async () => {
    const gone = listener.socketPath
    try {
      const isGone = listener.isOwnerSocketGone()
      const socket = isGone ? await remake(watch) : gone
      if (socket === undefined || (!isGone && socket === written)) return
      await writeEndpoint(places.endpoint, { url: listener.url, pid, socket })
      written = socket
      log.warn({ gone, socket }, `the owner socket was removed: it is made anew at ${socket}`)
    } catch (error) {
      if (!hasCode(error)) throw error
      // The heartbeat has more to do, and comes back to it.
      reportFailure(error)
    }
  }
}

/** Whether it is an error of ours or of the file system, and no bug. */
function hasCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error
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
      if (!hasCode(error)) throw error
      failure = error
    }
  }
  throw failure
}
