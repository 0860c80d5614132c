/** macOS. It was never run on a Mac. */
import type { Platform } from '../platform.ts'
import { macDesktop } from './desktops.ts'
import * as files from './files.ts'
import { macKeychain } from './keychains.ts'
import { openWithExlock } from './locks.ts'
import { readPlatformUuid } from './machine-id.ts'
import * as ownerListener from './owner-socket.ts'
import { macLimits } from './process-limits.ts'
import { quoted } from './shell-quoted.ts'
import * as signals from './signals.ts'

export const mac: Platform = {
  files: { ...files, openLocked: openWithExlock },
  ownerListener,
  signals,
  desktop: macDesktop,
  keychain: macKeychain,
  limits: macLimits,
  createPeerLookup: () => async () => ({ kind: 'unknown' }),
  usersOfPort: async () => [],
  // Its users share the group "staff".
  isPrivateGroup: () => false,
  readMachineId: readPlatformUuid,
  readBootId: async () => '',
  portHolderCommand: (port) => `lsof -nP -iTCP:${port} -sTCP:LISTEN`,
  // execvp(3) looks in PATH alone.
  programFor: (name) => name,
  environmentWith: (env, variables) => ({ ...env, ...variables }),
  shell: 'sh',
  quoted,
}
