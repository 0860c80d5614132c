/** What goes wrong between a daemon and its server: each refresh draws its fate. */
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import type { RunningAuthorizationServer } from '../../support/authorization-server.ts'
import type { Chance } from './chance.ts'

type Intercept = RunningAuthorizationServer['intercept']

export interface Weather {
  readonly intercept: Intercept
  /** No answer but 503, while it is set. */
  away: boolean
  /** How often each fate was dealt out. */
  readonly dealt: Record<string, number>
  /** Whose session the server has rotated and the answer was lost: only a sign-in helps. */
  readonly lostOnPurpose: Set<string>
}

export function createWeather(chance: Chance): Weather {
  const lostOnPurpose = new Set<string>()
  const fates: readonly (readonly [share: number, name: string, fate: Intercept])[] = [
    [0.02, '503', async () => ({ status: 503, body: {} })],
    [
      0.01,
      '429 with `Retry-After: 1`',
      async () => ({ status: 429, body: {}, headers: { 'retry-after': '1' } }),
    ],
    [0.02, 'the connection cut before the server acted', async () => 'cut'],
    [
      0.02,
      'an answer after up to 2 s',
      async (_request, act) => {
        await sleep(chance.between(0, 2_000))
        return act()
      },
    ],
    [
      0.01,
      'an answer with a new refresh token and no access token',
      async (_request, act) => {
        const { status, body } = await act()
        const { access_token: _withheld, ...rest } = body
        return { status, body: rest }
      },
    ],
    [
      0.001,
      'the answer lost after the server rotated',
      async (_request, act) => {
        const { body } = await act()
        lostOnPurpose.add(decodeJwt(String(body.access_token)).sub ?? '')
        return 'cut'
      },
    ],
  ]
  const dealt: Record<string, number> = {}
  const weather: Weather = {
    away: false,
    dealt,
    lostOnPurpose,
    intercept: async (request, act) => {
      if (request.grantType !== 'refresh_token') return act()
      if (weather.away) return { status: 503, body: {} }
      let drawn = chance.between(0, 1)
      const fate = fates.find(([share]) => (drawn -= share) < 0)
      // A session that is over is told so, and nothing else.
      if (!fate || request.generation === undefined) return act()
      const [, name, befall] = fate
      dealt[name] = (dealt[name] ?? 0) + 1
      return befall(request, act)
    },
  }
  return weather
}
