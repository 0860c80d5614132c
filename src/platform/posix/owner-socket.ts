/** Creates the owner's socket, or finds the path of the one that systemd passed. */
import { once } from 'node:events'
import { fstatSync, readFileSync, statSync } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { SidecarError } from '../../errors.ts'
import type { OwnerListener } from '../platform.ts'
import { pathFault } from './owner-endpoint.ts'
import { isOwn } from './ownership.ts'

/** Creates the socket with mode 0600, in a directory that was checked before. */
export const bindOwnerEndpoint: OwnerListener['bindOwnerEndpoint'] = async (
  server,
  { socketPath, lockHeld, backlog },
) => {
  const fault = pathFault(socketPath)
  if (fault !== undefined) {
    throw new SidecarError('failed', `The path of the owner socket ${fault}: ${socketPath}`, {
      hint: 'Set EVO_TOKEN_RUNTIME_DIR to a shorter directory.',
    })
  }
  await removeStaleSocket(socketPath, lockHeld)
  const before = process.umask(0o177)
  try {
    // listen() binds synchronously, so no other file is created with this mask.
    server.listen({ path: socketPath, backlog })
  } finally {
    process.umask(before)
  }
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new SidecarError('failed', `The owner socket ${socketPath} cannot be made.`, {
      cause,
      hint: 'Check that its directory exists, is yours, and has mode 0700.',
    })
  }
}

async function removeStaleSocket(path: string, lockHeld: boolean): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return
  const hint = `Look at ${path}, and remove it if nothing needs it.`
  if (!found.isSocket()) {
    throw new SidecarError('failed', `${path} is in the way: it is not a socket.`, { hint })
  }
  if (!isOwn(found)) {
    throw new SidecarError('failed', `${path} is in the way: it belongs to another user.`, { hint })
  }
  // Daemons with different state directories hold different locks, and may share this path.
  if (!lockHeld || (await isAnswered(path))) {
    throw new SidecarError('failed', `Another daemon listens on ${path}.`, {
      hint: 'Stop it, or give this one another EVO_TOKEN_RUNTIME_DIR.',
    })
  }
  await unlink(path)
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

export function endpointIdentity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path)
    return `${dev} ${ino}`
  } catch {
    // Missing, or out of our reach, as it is for clients.
    return undefined
  }
}

export function pathOfInherited(descriptor: number): string | undefined {
  const inode = String(fstatSync(descriptor).ino)
  const line = socketTable().find((columns) => columns[6] === inode)
  return line?.[7]
}

/** proc_net(5): Num RefCount Protocol Flags Type St Inode Path. */
function socketTable(): string[][] {
  try {
    return readFileSync('/proc/self/net/unix', 'utf8')
      .split('\n')
      .map((line) => line.split(' ').filter((column) => column !== ''))
  } catch {
    // Not Linux, or /proc is hidden from us: there is no other source.
    return []
  }
}
