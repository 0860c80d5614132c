/**
 * Chooses the implementations for this operating system. Linux and similar systems share most with
 * macOS, and nothing with Windows.
 */
import type { ForClients } from './for-clients.ts'
import type { Platform } from './platform.ts'
import * as posixLocations from './posix/locations.ts'
import * as posixEndpoint from './posix/owner-endpoint.ts'
import * as posixOwnership from './posix/ownership.ts'
import { pathsInPath } from './posix/paths-in-path.ts'
import type { ServicePlatform } from './service-manager.ts'
import { forWindows } from './windows/for-clients.ts'

// What every command needs. It imports next to nothing, since `evo-token get` starts with it; and it
// waits for nothing, since CommonJS requires our client.
const posix: ForClients = {
  locations: posixLocations,
  ownership: posixOwnership,
  ownerEndpoint: posixEndpoint,
  endCommand: (pid) => `kill ${pid}`,
  commandPaths: pathsInPath,
}
export const { locations, ownership, ownerEndpoint, endCommand, commandPaths }: ForClients =
  isWindows() ? forWindows : posix

/** The rest: import it from `current.ts`. */
export async function loadPlatform(): Promise<Platform> {
  if (isWindows()) return (await import('./windows/windows.ts')).windows
  return isMac() ? (await import('./posix/mac.ts')).mac : (await import('./posix/linux.ts')).linux
}

export async function loadServices(): Promise<ServicePlatform> {
  if (isWindows()) return (await import('./windows/task-scheduler.ts')).taskScheduler
  return isMac()
    ? (await import('./posix/launchd.ts')).launchd
    : (await import('./posix/systemd.ts')).systemd
}

function isWindows(): boolean {
  return process.platform === 'win32'
}

function isMac(): boolean {
  return process.platform === 'darwin'
}
