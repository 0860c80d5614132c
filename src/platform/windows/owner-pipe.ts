/** The owner's named pipe as the daemon makes it. */
import { once } from 'node:events'
import { SidecarError } from '../../errors.ts'
import type { OwnerListener } from '../platform.ts'

/** Node makes the first instance of the pipe itself, or none: a name that is taken is an error. */
export const bindOwnerEndpoint: OwnerListener['bindOwnerEndpoint'] = async (
  server,
  { socketPath },
) => {
  server.listen({ path: socketPath })
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new SidecarError('failed', `The owner's pipe ${socketPath} cannot be made.`, {
      cause,
      hint: 'Start the daemon again: it takes another name each time.',
    })
  }
}

/** The pipe is not a file, and nothing removes it; asking for its state would connect to it. */
export function endpointIdentity(): undefined {
  return undefined
}

/** No service manager of Windows hands a pipe over. */
export function pathOfInherited(): undefined {
  return undefined
}
