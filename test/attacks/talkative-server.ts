/** What an authorization server may say that knows no better than to repeat what it was sent. */
import type { OutgoingHttpHeaders } from 'node:http'
import type { Plan } from '../faults/faulty-path.ts'
import { secretsOf } from './seen-secrets.ts'

/** How much of a secret comes back, and in what shape. */
const SHAPES: Readonly<Record<string, (secret: string) => string>> = {
  whole: (secret) => secret,
  'the first 30 characters of': (secret) => `${secret.slice(0, 30)}…`,
  'the last 12 characters of': (secret) => `…${secret.slice(-12)}`,
  'eight characters of': (secret) => secret.slice(7, 15),
  'the halves of': (secret) => `${secret.slice(0, 20)} ${secret.slice(20)}`,
  'torn by something unprintable,': (secret) => secret.replace(/(?<=^.{10})/, '\u200b\n'),
  'percent-encoded': (secret) => `%${Buffer.from(secret).toString('hex').match(/../g)?.join('%')}`,
  'as a Basic header has it,': (secret) => Buffer.from(`client:${secret}`).toString('base64'),
  'as a cut Basic header has it,': (secret) =>
    Buffer.from(`client:${secret}`).toString('base64').slice(5, 40),
}

interface Said {
  readonly status: number
  readonly body: string
  readonly headers?: OutgoingHttpHeaders
}

const IN_WORDS = 'invalid_client, and a challenge'

/** Where it stands in an answer. */
const PLACES: Readonly<Record<string, (words: string) => Said>> = {
  'invalid_grant in so many words': (words) => oauth(400, 'invalid_grant', words),
  [IN_WORDS]: (words) => ({
    ...oauth(401, 'invalid_client', words),
    headers: { 'www-authenticate': `Basic realm="${ascii(words)}"` },
  }),
  'a 500 in JSON': (words) => oauth(500, 'server_error', words),
  'an error code of its own': (words) => oauth(400, ascii(words).slice(0, 60), 'no'),
  'a page, and its headers': (words) => ({
    status: 403,
    body: `<html><body>You sent ${words}</body></html>`,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'x-request': ascii(words),
      'retry-after': ascii(words),
    },
  }),
  'a success without a token': (words) => ({
    status: 200,
    body: JSON.stringify({ status: words, token_type: words, scope: words, expires_in: words }),
  }),
  'a success that is cut short': (words) => ({ status: 200, body: `{"sent":"${words}` }),
  'a redirect': (words) => ({
    status: 302,
    body: words,
    headers: { location: `/?${ascii(words)}` },
  }),
}

function oauth(status: number, error: string, words: string): Said {
  return { status, body: JSON.stringify({ error, error_description: `Not this: ${words}` }) }
}

/** For a header, or a code. */
function ascii(words: string): string {
  return words.replace(/[^\x21-\x7e]+/g, '_')
}

export interface Habit {
  readonly name: string
  readonly plan: Plan
}

/** Every shape in the words of an error; every place for whole secrets, and for parts of them. */
export const HABITS: readonly Habit[] = [
  ...Object.keys(SHAPES).map((shape) => [shape, IN_WORDS] as const),
  ...Object.keys(PLACES)
    .filter((place) => place !== IN_WORDS)
    .flatMap((place) =>
      ['whole', 'the first 30 characters of'].map((shape) => [shape, place] as const),
    ),
].map(([shape, place]) => ({
  name: `${shape} a secret in ${place}`,
  plan: repeating(shape, place),
}))

function repeating(shape: string, place: string): Plan {
  return (form) => {
    const words = secretsOf(form).map(([, value]) => SHAPES[shape]?.(value))
    const said = PLACES[place]?.(words.join(' / '))
    return {
      name: 'a server that repeats',
      happen({ answer }) {
        answer(said?.status ?? 0, said?.body ?? '', {
          'content-type': 'application/json',
          ...said?.headers,
        })
      },
    }
  }
}
