/** What every command needs on Windows. `get` starts with it. */
export * as locations from './locations.ts'
export * as ownerEndpoint from './owner-endpoint.ts'
export * as ownership from './ownership.ts'
