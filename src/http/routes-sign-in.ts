/** Routes of the owner to sign in and out of an app, and to store its client secret. */
import { z } from 'zod'
import type { SignInProgress, SignInStatus, StartedSignIn } from '../core/status.ts'
import { Secret } from '../secret.ts'
import {
  jsonAnswer,
  signInSchema,
  signInProgressSchema,
  startedSignInSchema,
} from './answer-schemas.ts'
import { toJsonAnswer, NO_CONTENT, toRfc3339, toRfc3339OrNull } from './answers.ts'
import type { Deps } from './deps.ts'
import { noBody, secondsField } from './fields.ts'
import { type Route, route } from './route.ts'
import { SECRET_MAX_LENGTH } from '../core/client-secret.ts'

const SIGN_IN_WAIT_MAX_S = 25
const secretText = z
  .string('has to be a string')
  .min(1, 'must not be empty')
  .max(SECRET_MAX_LENGTH, `has to be ${SECRET_MAX_LENGTH} characters at most`)
const wrapSecret = (value: string) => new Secret(value)
const clientSecret = z
  .strictObject({
    // RFC 6749 §A.2.
    client_secret: secretText
      .regex(/^[\x20-\x7e]+$/, 'has to be printable ASCII')
      .transform(wrapSecret)
      .optional(),
    private_key: secretText
      .transform(wrapSecret)
      .optional()
      .describe('PEM (PKCS#8) or JWK; in place of client_secret, for apps with private_key_jwt.'),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .transform(({ client_secret, private_key }, context) => {
    const secret = private_key ?? client_secret
    if (secret && !(private_key && client_secret)) return { secret, isPrivateKey: !!private_key }
    const message = 'has to be there, or private_key in its place'
    context.addIssue({ code: 'custom', path: ['client_secret'], message })
    return z.NEVER
  })

const URL_RULE = 'has to be the whole URL that the browser ended up at'

export function signInRoutes({ broker, signIns }: Deps): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/apps/{app}/login',
      access: 'owner',
      summary: 'Starts a sign-in, in a browser or with a device code.',
      answers: { 200: jsonAnswer('The sign-in, pending.', startedSignInSchema) },
      body: {
        schema: z.strictObject({
          method: z.enum(['browser', 'device']).default('browser'),
          switch_user: z.boolean().default(false),
        }),
        required: false,
      },
      async answer({ params: { app }, body: { method, switch_user: switchUser }, response }) {
        const started = await signIns.start(app, { method, switchUser })
        // A person who has left does not get the id, and could not end the sign-in.
        if (response.destroyed) signIns.end(app, started.id)
        return toJsonAnswer(toStartedJson(started))
      },
    }),
    route({
      method: 'get',
      path: '/v1/apps/{app}/login',
      access: 'owner',
      summary: 'The ports on which the daemon answers browsers that sign in, to any app.',
      answers: { 200: jsonAnswer('They are open now.', z.object({ ports: z.array(z.int()) })) },
      answer: async () => toJsonAnswer({ ports: signIns.ports() }),
    }),
    route({
      method: 'get',
      path: '/v1/apps/{app}/login/{id}',
      access: 'owner',
      summary: 'Waits for the end of a sign-in, 25 s at most, and says how it goes.',
      answers: { 200: jsonAnswer('How it goes.', signInProgressSchema) },
      query: z.strictObject({
        wait: secondsField(SIGN_IN_WAIT_MAX_S, SIGN_IN_WAIT_MAX_S).default(SIGN_IN_WAIT_MAX_S),
      }),
      async answer({ params: { app, id }, query: { wait } }) {
        return toJsonAnswer(toProgressJson(await signIns.wait(app, id, wait * 1000)))
      },
    }),
    route({
      method: 'delete',
      path: '/v1/apps/{app}/login/{id}',
      access: 'owner',
      summary: 'Ends a sign-in that is pending, and closes its port.',
      answers: { 204: { says: 'It has ended.', content: {} } },
      async answer({ params: { app, id } }) {
        signIns.end(app, id)
        return NO_CONTENT
      },
    }),
    route({
      method: 'post',
      path: '/v1/apps/{app}/login/{id}/callback',
      access: 'owner',
      summary: 'Takes the redirected URL, pasted from a browser on another machine.',
      answers: { 200: jsonAnswer('How the sign-in goes.', signInSchema) },
      body: {
        schema: z.strictObject({
          // As it was pasted, perhaps without its scheme: the sign-in judges it.
          url: z.string(URL_RULE).min(1, URL_RULE).max(8192, URL_RULE),
        }),
        required: true,
      },
      async answer({ params: { app, id }, body: { url } }) {
        return toJsonAnswer(toSignInJson(await signIns.paste(app, id, url)))
      },
    }),
    route({
      method: 'post',
      path: '/v1/apps/{app}/logout',
      access: 'owner',
      summary: 'Revokes the session at the authorization server where it can, and forgets it.',
      answers: {
        200: jsonAnswer(
          'It is forgotten.',
          z.object({ revoked: z.boolean(), published: z.boolean().optional() }),
        ),
      },
      body: noBody,
      async answer({ params: { app } }) {
        return toJsonAnswer(await broker.logout(app))
      },
    }),
    route({
      method: 'put',
      path: '/v1/apps/{app}/client-secret',
      access: 'owner',
      summary:
        'Stores a new client secret or private key, once it is proven where that is possible now.',
      answers: { 200: jsonAnswer('It is stored.', z.object({ proven: z.boolean() })) },
      body: {
        schema: clientSecret,
        required: true,
      },
      async answer({ params: { app }, body: { secret, isPrivateKey } }) {
        const { proven } = await broker.putClientSecret(app, secret, isPrivateKey)
        return toJsonAnswer({ proven })
      },
    }),
  ]
}

function toStartedJson(started: StartedSignIn) {
  const { id } = started
  const expires_at = toRfc3339(started.expiresAt)
  return started.method === 'browser'
    ? {
        id,
        authorization_url: started.authorizationUrl,
        open_url: started.openUrl,
        listening: started.listening,
        busy_port: started.busy?.port ?? null,
        busy_port_user: started.busy?.holder ?? null,
        expires_at,
      }
    : {
        id,
        user_code: started.userCode,
        verification_uri: started.verificationUri,
        verification_uri_complete: started.verificationUriComplete,
        expires_at,
      }
}

function toProgressJson(progress: SignInProgress) {
  const { visited, httpsTried } = progress
  return { ...toSignInJson(progress), visited, https_tried: httpsTried }
}

function toSignInJson({ status, error, message, subject, scope, expiresAt }: SignInStatus) {
  return { status, error, message, subject, scope, expires_at: toRfc3339OrNull(expiresAt) }
}
