/**
 * What an authorization server remembers, in maps: oidc-provider's own memory forgets all but the
 * thousand newest things. Handed to a second server, it is that server's past.
 */
import type { Adapter, AdapterPayload } from 'oidc-provider'

export interface ProviderStore {
  readonly adapter: (model: string) => Adapter
  /** Everything of a kind that it remembers now. */
  readonly payloads: (model: string) => readonly AdapterPayload[]
  /** How often each refresh token's ancestors were rotated. */
  readonly generations: Map<string, number>
}

export function createProviderStore(): ProviderStore {
  const records = new Map<string, AdapterPayload>()

  function find(test: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    return [...records.values()].find(test)
  }

  // An arrow function: oidc-provider calls any other kind with `new`.
  const adapter = (model: string): Adapter => {
    const key = (id: string) => `${model}:${id}`
    return {
      async upsert(id, payload) {
        records.set(key(id), payload)
      },
      async find(id) {
        return records.get(key(id))
      },
      async findByUid(uid) {
        return find((payload) => payload.kind === model && payload.uid === uid)
      },
      async findByUserCode(userCode) {
        return find((payload) => payload.kind === model && payload.userCode === userCode)
      },
      async consume(id) {
        const payload = records.get(key(id))
        if (payload) payload.consumed = Math.floor(Date.now() / 1000)
      },
      async destroy(id) {
        records.delete(key(id))
      },
      async revokeByGrantId(grantId) {
        for (const [id, payload] of records) {
          if (payload.grantId === grantId && payload.kind === model) records.delete(id)
        }
      },
    }
  }

  const payloads = (model: string) => [...records.values()].filter(({ kind }) => kind === model)

  return { adapter, payloads, generations: new Map() }
}
