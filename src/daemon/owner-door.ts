/** The owner's door, with a key of its own where others can connect to the owner's endpoint. */
import { createAccessKey } from '../adapters/callers/access-key.ts'
import { writePrivateFile } from '../adapters/files/private-text.ts'
import { createKeyedOwnerDoor, type Door, OWNER_DOOR } from '../http/door.ts'
import { ownerEndpoint } from '../platform/chosen.ts'
import type { Places } from '../platform/for-clients.ts'

/** The key is new at each start: one that was read before a stop opens nothing. @throws {SidecarError} `failed`. */
export async function createOwnerDoor({ socket, ownerKey }: Places): Promise<Door> {
  if (!ownerEndpoint.keyed) return OWNER_DOOR
  const key = createAccessKey()
  await writePrivateFile(ownerKey, `${key.expose()}\n`)
  return createKeyedOwnerDoor(socket, key)
}
