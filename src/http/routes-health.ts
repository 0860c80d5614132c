/** Routes that say whether the daemon runs, is not another program, and has tokens to serve. */
import { isIPv6, type Socket } from 'node:net'
import { z } from 'zod'
import { SidecarError } from '../errors.ts'
import { jsonAnswer, readinessSchema } from './answer-schemas.ts'
import { toJsonAnswer } from './answers.ts'
import { visibleApps } from './callers.ts'
import type { Deps } from './deps.ts'
import { nameField } from './fields.ts'
import { type Route, route } from './route.ts'

const READINESS_ANSWERS = {
  200: jsonAnswer('Each of them has one.', readinessSchema),
  503: jsonAnswer('One has none, or there is no app.', readinessSchema),
}

export function healthRoutes({ broker, callers }: Deps): Route[] {
  const report = (apps: readonly string[]) => {
    const each = apps.map((app) => [app, broker.readiness(app)] as const)
    const ready = each.length > 0 && each.every(([, { ready }]) => ready)
    return toJsonAnswer({ ready, apps: Object.fromEntries(each) }, ready ? 200 : 503)
  }
  return [
    route({
      method: 'get',
      path: '/healthz',
      access: 'anyone',
      summary: 'Whether the daemon runs, and proof that it knows the access key of a caller.',
      query: z
        .strictObject({
          caller: nameField.optional(),
          nonce: z
            .string('has to be one value')
            .min(1, 'has to be 1 to 256 characters')
            .max(256, 'has to be 1 to 256 characters')
            .optional(),
        })
        .refine(({ caller, nonce }) => (caller === undefined) === (nonce === undefined), {
          message: 'caller and nonce belong together',
        })
        .meta({ dependentRequired: { caller: ['nonce'], nonce: ['caller'] } }),
      answers: {
        200: jsonAnswer(
          'It runs.',
          z.object({
            status: z.literal('ok'),
            proof: z.string().optional().meta({
              description:
                'Hex HMAC-SHA-256 of the nonce, keyed with the SHA-256 of the access key.',
            }),
          }),
        ),
      },
      answer({ query: { caller, nonce }, request, door: { owner } }) {
        if (caller === undefined || nonce === undefined) return toJsonAnswer({ status: 'ok' })
        refuseRelayed(nonce, owner?.path ?? addressOf(request.socket))
        const proof = owner?.proof(nonce) ?? callers.proof(caller, nonce)
        return toJsonAnswer({ status: 'ok', proof })
      },
    }),
    route({
      method: 'get',
      path: '/readyz',
      access: 'callers',
      summary: 'Whether every app of the caller has a token to serve.',
      answers: READINESS_ANSWERS,
      answer: ({ caller }) => report(visibleApps(broker, caller)),
    }),
    route({
      method: 'get',
      path: '/readyz/{app}',
      access: 'callers',
      summary: 'Whether one app has a token to serve.',
      answers: READINESS_ANSWERS,
      answer: ({ params }) => report([params.app]),
    }),
  ]
}

/**
 * A client may end its nonce with the address that it asks, `…@127.0.0.1:13860`. Then a
 * program on an address that was ours once cannot get the proof by asking us at our present one.
 */
function refuseRelayed(nonce: string, ours: string): void {
  const [, asked] = /@(.*)/s.exec(nonce) ?? []
  if (asked === undefined || asked === ours) return
  throw new SidecarError('forbidden', 'The nonce names an address that is not this one.', {
    hint: 'Ask at the address that the nonce names.',
  })
}

function addressOf({ localAddress = '', localPort }: Socket): string {
  return `${isIPv6(localAddress) ? `[${localAddress}]` : localAddress}:${localPort ?? ''}`
}
