/** Finds the error in a JSON answer, whatever members a server uses for its code and its words. */
import { isJsonObject, type JsonObject } from '../../core/json-object.ts'
import { usualForm } from './error-codes.ts'
import { errorCode, toReadableWords } from './server-words.ts'

/**
 * Names of members with a code, in lower case and without what is no letter, so that `error_code` is
 * `ErrorCode`: RFC 6749 §5.2; Supabase, Okta; Fitbit; WeChat; many APIs; Dropbox (`.tag`); FusionAuth.
 */
const CODE_MEMBERS = [
  'error',
  'errors',
  'errorcode',
  'errortype',
  'errcode',
  'code',
  'tag',
  'errorreason',
]

/** In an object within: Google, Facebook. */
const CODES_WITHIN = [...CODE_MEMBERS, 'status', 'type']

/** These hold a code seldom: HubSpot; Amazon Cognito (`__type`), RFC 9457; Google. */
const SELDOM_CODES = ['status', 'type', 'message', 'reason']

/** What is no sentence: `BAD_REFRESH_TOKEN`, `com.amazonaws#NotAuthorizedException`. */
const WRITTEN_AS_CODE = /^[A-Z]+(?:_[A-Z]+)+$|(?:^|[.#])\w+Exception$/

/** They say that something failed, and not what. */
const NO_CODE = /^(?:error|fail|failed|failure|ok|success)$/i

/** RFC 6749 §5.2; Okta; WeChat; many APIs; RFC 9457; Apigee; Zoom. */
const MESSAGE_MEMBERS = [
  'errordescription',
  'errormessage',
  'errorsummary',
  'msg',
  'errmsg',
  'message',
  'developermessage',
  'description',
  'detail',
  'faultstring',
  'reason',
  'title',
  'error',
  'errors',
]

/** Google and Facebook put an object where the code belongs, Fitbit a list, Apigee and Intuit a fault. */
const ERROR_CONTAINERS: ReadonlySet<string> = new Set(['error', 'errors', 'fault', 'detail'])

/** As deep as those go. */
const CONTAINER_DEPTH_MAX = 3

/** A server that repeats its error in each part of a long answer has said it by then. */
const MOST_PARTS = 20

/**
 * The code of the error that `json` tells of; undefined where it names none.
 *
 * @param isKnown whether a code means something to us: of several, the first such one counts.
 */
export function codeIn(
  json: JsonObject = {},
  isKnown: (code: string) => boolean = () => false,
): string | undefined {
  const [top = {}, ...within] = findErrorObjects(json)
  const often = [
    ...readMembers(top, ['error']),
    ...within.flatMap((part) => readMembers(part, CODES_WITHIN)),
    ...readMembers(top, CODE_MEMBERS),
  ]
  const seldom = [...within, top].flatMap((part) => readMembers(part, SELDOM_CODES))
  const named = [...often, ...seldom].filter((value) => typeof value === 'string')
  const known = named.find(isKnown)
  if (known !== undefined) return errorCode(known) ?? usualForm(known)
  const stated = [...often, ...seldom.filter((value) => WRITTEN_AS_CODE.test(String(value)))]
  const codes = stated.map(readableCode).filter((code) => code !== undefined && !NO_CODE.test(code))
  return codes[0] ?? often.map(ownNumber).find((number) => number !== undefined)
}

function readableCode(value: unknown): string | undefined {
  return errorCode(value) ?? errorCode(typeof value === 'string' && value.replace(/^.*#/s, ''))
}

/** WeChat and Feishu number their errors; a number below is the status again, or says that all is well. */
function ownNumber(value: unknown): string | undefined {
  return typeof value === 'number' && value >= 600 ? errorCode(String(value)) : undefined
}

/** The server's words about the error; some servers put a sentence in the place of the code. */
export function wordsIn(json: JsonObject = {}): string | undefined {
  const [top = {}, ...within] = findErrorObjects(json)
  const said = [...within, top].flatMap((part) => readMembers(part, MESSAGE_MEMBERS))
  const [error] = readMembers(top, ['error'])
  const isCode = (one: unknown) =>
    (one === error && errorCode(one) !== undefined) || WRITTEN_AS_CODE.test(String(one))
  const words = [json.error_description, ...said.filter((one) => !isCode(one))]
    .map(toReadableWords)
    .filter((one) => one !== undefined)
  return words.find((one) => one.includes(' ')) ?? words[0]
}

/** Whether it reports an error, with a code or without. */
export function tellsError(json: JsonObject = {}): boolean {
  const { error, errors, fault, ok, success } = json
  const named = [error, errors, fault].some((one) => Boolean(one) && [one].flat().length > 0)
  return named || ok === false || success === false || codeIn(json) !== undefined
}

/** `json`, and the objects in it in which an error stands, the outer ones first. */
function findErrorObjects(json: JsonObject): readonly JsonObject[] {
  const parts = [json]
  let outer: readonly JsonObject[] = parts
  for (let depth = 1; depth <= CONTAINER_DEPTH_MAX && parts.length < MOST_PARTS; depth++) {
    outer = outer
      .flatMap((part) => Object.entries(part))
      .filter(([name]) => ERROR_CONTAINERS.has(lettersOf(name)))
      .flatMap(([, value]) => value)
      .filter(isJsonObject)
      .slice(0, MOST_PARTS)
    parts.push(...outer)
  }
  return parts
}

/** What stands in `part` under one of these names, in the order of `names`; a list as its items. */
function readMembers(part: JsonObject, names: readonly string[]): readonly unknown[] {
  const members = Object.entries(part).map(([name, value]) => [lettersOf(name), value] as const)
  return names.flatMap((wanted) =>
    members.filter(([name]) => name === wanted).flatMap(([, value]) => value),
  )
}

function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '')
}
