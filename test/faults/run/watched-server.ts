/** The strict authorization server, with the moments at which it spends a token and lets its answer go. */
import {
  type AuthorizationServerOptions,
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../../support/authorization-server.ts'
import { createProviderStore } from '../../support/provider-store.ts'
import { until } from '../../support/until.ts'
import { sharedNow } from '../killable-daemon.ts'

export interface Rotation {
  /** When the old refresh token was spent. */
  readonly spentAt: number
  /** When the answer was ready to leave; undefined until then. */
  answeredAt?: number
}

export interface WatchedServer extends AsyncDisposable {
  readonly server: RunningAuthorizationServer
  /** Of refresh tokens, in order. */
  readonly rotations: readonly Rotation[]
  /** Resolves when every request has been answered, or its connection is gone. */
  idle(): Promise<void>
}

export async function startWatchedServer(
  options: AuthorizationServerOptions = {},
): Promise<WatchedServer> {
  const store = createProviderStore()
  const rotations: Rotation[] = []
  let running = 0
  const server = await startAuthorizationServer({
    ...options,
    store: {
      ...store,
      adapter: (model) => {
        const adapter = store.adapter(model)
        return {
          ...adapter,
          async consume(id) {
            if (model === 'RefreshToken') rotations.push({ spentAt: sharedNow() })
            await adapter.consume(id)
          },
        }
      },
    },
  })
  const watched: WatchedServer = {
    server,
    rotations,
    idle: () => until(() => running === 0),
    async [Symbol.asyncDispose]() {
      await server.close()
    },
  }
  server.intercept = async (_request, act) => {
    running += 1
    try {
      const before = rotations.length
      const answer = await act()
      const rotation = rotations[before]
      if (rotation) rotation.answeredAt = sharedNow()
      return answer
    } finally {
      running -= 1
    }
  }
  return watched
}
