/** Linux and similar systems, some of which lack its tables of sockets. */
import type { Platform } from '../platform.ts'
import { freedesktop } from './desktops.ts'
import * as files from './files.ts'
import { isPrivateGroup } from './group.ts'
import { secretService } from './keychains.ts'
import { openWithFlock } from './locks.ts'
import { readBootId } from './boot-id.ts'
import { readMachineId } from './machine-id.ts'
import * as ownerListener from './owner-socket.ts'
import { createPeerLookup, usersOfPort } from './peer-user.ts'
import { linuxLimits } from './process-limits.ts'
import { quoted } from './shell-quoted.ts'
import * as signals from './signals.ts'

export const linux: Platform = {
  files: { ...files, openLocked: openWithFlock },
  ownerListener,
  signals,
  desktop: freedesktop,
  keychain: secretService,
  limits: linuxLimits,
  createPeerLookup,
  isPrivateGroup,
  usersOfPort,
  readMachineId: async () => readMachineId(),
  readBootId,
  portHolderCommand: (port) => `ss -ltnp 'sport = :${port}'`,
  // execvp(3) looks in PATH alone.
  programFor: (name) => name,
  environmentWith: (env, variables) => ({ ...env, ...variables }),
  shell: 'sh',
  quoted,
}
