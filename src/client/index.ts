/** `evo-token-sidecar/client`: what programs in TypeScript and JavaScript use. */
export type { AppStatus } from './app-status.ts'
export { authorizedFetch, type AuthorizedFetchOptions } from './authorized-fetch.ts'
export { EvoTokenError } from './failures.ts'
export {
  getToken,
  TokenClient,
  type TokenClientOptions,
  type TokenOptions,
} from './token-client.ts'
export type { Token } from './token.ts'
