/** Local programs that ask for tokens all the time, and look at what they get. */
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { wasExpired } from '../owner.ts'
import type { Chance } from './chance.ts'

export interface CallerTally {
  asked: number
  served: number
  /** Tokens that an API would have refused when they arrived. */
  expired: number
  /** What was answered instead of a token, by its error code. */
  readonly refused: Record<string, number>
}

export interface CallersOptions {
  readonly url: string
  readonly key: string
  readonly apps: readonly string[]
  readonly count: number
}

const PAUSE_MS = [50, 350] as const

export function startCallers({ url, key, apps, count }: CallersOptions, chance: Chance) {
  const tally: CallerTally = { asked: 0, served: 0, expired: 0, refused: {} }
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  let stopped = false

  async function send(method: 'GET' | 'POST', path: string, body = '') {
    const sentAt = performance.now()
    const answer = await new Promise<Record<string, unknown>>((resolve, reject) => {
      request(`${url}${path}`, { method, agent: false, headers }, (answer) => {
        json(answer).then((value) => {
          resolve(value as Record<string, unknown>)
        }, reject)
      })
        .once('error', reject)
        .end(body)
    })
    note(answer, performance.now() - sentAt)
    return answer
  }

  /** Mostly the current token; sometimes one with life left, or another because this one was refused. */
  async function ask(): Promise<void> {
    const path = `/v1/apps/${chance.pick(apps)}`
    const kind = chance.between(0, 1)
    const answer = await send('GET', `${path}/token${kind < 0.1 ? '?min_ttl=3' : ''}`)
    const token = answer.access_token
    if (kind < 0.95 || typeof token !== 'string') return
    const sha256 = createHash('sha256').update(token).digest('hex')
    await send('POST', `${path}/refresh`, JSON.stringify({ rejected_sha256: sha256 }))
  }

  function note({ access_token: token, error }: Record<string, unknown>, tookMs: number): void {
    tally.asked += 1
    if (typeof token === 'string') {
      tally.served += 1
      if (wasExpired(token, tookMs)) tally.expired += 1
    } else {
      const code = String(error)
      tally.refused[code] = (tally.refused[code] ?? 0) + 1
    }
  }

  const running = Array.from({ length: count }, async () => {
    while (!stopped) {
      await ask()
      await sleep(chance.between(...PAUSE_MS))
    }
  })
  return {
    tally,
    async stop() {
      stopped = true
      await Promise.all(running)
    },
  }
}
