/**
 * Refuses what looks like a secret in the config, by its key or by its value, and says what to do
 * instead. The value is never shown.
 */
import type { Path } from './json-text.ts'
import { NAME_PATTERN } from '../core/names.ts'
import { plainKey } from './names.ts'

const GIVEN_AWAY = 'does not belong in this file, where others may have read it: take it out'

type Advice = (app: string) => string

const CLIENT_SECRET_ADVICE: Advice = (app) =>
  `a client secret ${GIVEN_AWAY}, then store it with "evo-token secret ${app}"`
const TOKEN_ADVICE: Advice = (app) =>
  `a token ${GIVEN_AWAY}; evo-token gets its own, after "evo-token login ${app}" where a person has to sign in`
const ACCESS_KEY_ADVICE: Advice = () =>
  `an access key ${GIVEN_AWAY}; "evo-token caller add NAME" makes one, and only the caller keeps it`
const PRIVATE_KEY: Advice = (app) =>
  `a private key ${GIVEN_AWAY}, then store it with "evo-token secret ${app} --private-key FILE"`
const OTHER_SECRET_ADVICE: Advice = () =>
  `a secret ${GIVEN_AWAY}; no setting of evo-token takes one`

/** Keys that name a secret, without case and punctuation. */
const SECRET_KEYS: ReadonlyMap<string, Advice> = new Map([
  ...['clientsecret', 'appsecret', 'secret'].map((key) => [key, CLIENT_SECRET_ADVICE] as const),
  ...['token', 'tokens', 'accesstoken', 'refreshtoken', 'idtoken', 'bearertoken', 'jwt'].map(
    (key) => [key, TOKEN_ADVICE] as const,
  ),
  ...['accesskey', 'apikey', 'apitoken'].map((key) => [key, ACCESS_KEY_ADVICE] as const),
  ...['privatekey', 'clientassertion'].map((key) => [key, PRIVATE_KEY] as const),
  ...['password', 'passwd', 'passphrase', 'credential', 'credentials', 'vaultkey'].map(
    (key) => [key, OTHER_SECRET_ADVICE] as const,
  ),
])

const SECRET_VALUES: readonly (readonly [RegExp, Advice])[] = [
  [/evtk_[\w-]/, ACCESS_KEY_ADVICE],
  // A JWT (RFC 7519) or a JWE in compact form: the header is base64url of `{"…`.
  [/eyJ[\w-]{5,}\.[\w-]*\.[\w-]/, TOKEN_ADVICE],
  [/-----BEGIN [A-Z ]*PRIVATE KEY/, PRIVATE_KEY],
]

/** Whether `text` has the shape of a secret, whatever it is used for. */
export function looksSecret(text: string): boolean {
  return SECRET_VALUES.some(([shape]) => shape.test(text))
}

export interface FoundSecret {
  readonly path: Path
  readonly message: string
}

/** Every secret in `value`, at whatever depth. */
export function findSecrets(value: unknown, path: Path = []): FoundSecret[] {
  if (typeof value === 'string') {
    const match = SECRET_VALUES.find(([shape]) => shape.test(value))
    return match ? [toFoundSecret(path, match[1])] : []
  }
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value))
    return value.flatMap((item, index) => findSecrets(item, [...path, index]))
  return Object.entries(value).flatMap(([key, inner]) => {
    const advice = namesApp(path) ? undefined : SECRET_KEYS.get(plainKey(key))
    return advice ? [toFoundSecret([...path, key], advice)] : findSecrets(inner, [...path, key])
  })
}

function toFoundSecret(path: Path, advice: Advice): FoundSecret {
  // In `apps.NAME…` the advice can name the app.
  const [apps, app] = path
  const named = apps === 'apps' && typeof app === 'string' && NAME_PATTERN.test(app)
  return { path, message: advice(named ? app : 'APP') }
}

/** Whether the keys of the object at `path` are app names: an app may be called "token". */
function namesApp(path: Path): boolean {
  return path.length === 1 && path[0] === 'apps'
}
