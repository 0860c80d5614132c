/** Linux, and other systems of its kind, which lack some of its tables. */
import type { Platform } from '../platform.ts'
import { freedesktop } from './desktops.ts'
import * as files from './files.ts'
import { secretService } from './keychains.ts'
import { openWithFlock } from './locks.ts'
import { firstMachineId } from './machine-id.ts'
import * as ownerListener from './owner-socket.ts'
import { createPeerLookup } from './peer-user.ts'
import { quoted } from './shell-quoted.ts'
import * as signals from './signals.ts'

export const linux: Platform = {
  files: { ...files, openLocked: openWithFlock },
  ownerListener,
  signals,
  desktop: freedesktop,
  keychain: secretService,
  createPeerLookup,
  readMachineId: async () => firstMachineId(),
  portHolderCommand: (port) => `ss -ltnp 'sport = :${port}'`,
  shell: 'sh',
  quoted,
}
