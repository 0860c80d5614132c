/** The strict authorization server, with the moments at which it spends a token and its answer leaves; for one request at a time. */
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
  /** When its answer had left; undefined until then. */
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
    onAnswered: () => {
      const last = rotations.at(-1)
      if (last) last.answeredAt ??= sharedNow()
    },
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
    idle: () => until('the server has answered every request', () => running === 0),
    async [Symbol.asyncDispose]() {
      await server.close()
    },
  }
  server.intercept = async (_request, act) => {
    running += 1
    try {
      return await act()
    } finally {
      running -= 1
    }
  }
  return watched
}
