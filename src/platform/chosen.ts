/**
 * Chooses the implementations for this operating system. Linux and similar systems share most with
 * macOS; Windows would be a folder beside `posix/`, and more lines here.
 */
import type { Locations, OwnerEndpoint, Ownership, Platform } from './platform.ts'
import * as posixLocations from './posix/locations.ts'
import * as posixEndpoint from './posix/owner-endpoint.ts'
import * as posixOwnership from './posix/ownership.ts'
import type { ServicePlatform } from './service-manager.ts'

// What every command needs. These import almost nothing, since `evo-token get` starts with them.
export const locations: Locations = posixLocations
export const ownership: Ownership = posixOwnership
export const ownerEndpoint: OwnerEndpoint = posixEndpoint

/** The rest: import it from `current.ts`. */
export async function loadPlatform(): Promise<Platform> {
  return isMac() ? (await import('./posix/mac.ts')).mac : (await import('./posix/linux.ts')).linux
}

export async function loadServices(): Promise<ServicePlatform> {
  return isMac()
    ? (await import('./posix/launchd.ts')).launchd
    : (await import('./posix/systemd.ts')).systemd
}

function isMac(): boolean {
  return process.platform === 'darwin'
}
