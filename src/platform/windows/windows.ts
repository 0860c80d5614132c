/** Windows 10 and 11. Tried with Node for Windows under Wine, not on Windows itself. */
import type { Platform } from '../platform.ts'
import { askAccess } from './access.ts'
import { desktop } from './desktop.ts'
import { environmentWith } from './environment.ts'
import * as files from './files.ts'
import { credentialManager } from './keychain.ts'
import { readMachineGuid } from './machine-id.ts'
import * as ownerListener from './owner-pipe.ts'
import { programInPath } from './program-in-path.ts'
import { quoted } from './quoted.ts'
import { signals } from './signals.ts'

export const windows: Platform = {
  files: { ...files, askAccess },
  ownerListener,
  signals,
  desktop,
  keychain: credentialManager,
  limits: {
    // Windows has no such limit.
    openFiles: () => undefined,
    // A crash leaves nothing, unless an administrator has set `LocalDumps` of Windows Error Reporting.
    forbidCoreDumps: async () => Promise.resolve(true),
  },
  createPeerLookup: () => async () => Promise.resolve({ kind: 'unknown' }),
  isPrivateGroup: () => false,
  usersOfPort: async () => Promise.resolve([]),
  readMachineId: readMachineGuid,
  readBootId: async () => '',
  portHolderCommand: (port) => `netstat -ano | findstr :${port}`,
  programFor: programInPath,
  environmentWith,
  shell: 'powershell',
  quoted,
}
