/**
 * A person with a browser: opens links, signs in on the authorization server's own pages, and
 * agrees or not. Speaks plain HTTP, because Node's `fetch` says `Sec-Fetch-Mode: cors`.
 */
import { request as send } from 'node:http'
import { buffer } from 'node:stream/consumers'

interface Page {
  readonly url: string
  readonly status: number
  readonly text: string
}

interface Choices {
  /** Whether to leave by the "cancel" link when asked to sign in. */
  readonly cancel?: boolean
  /** Stop before this address is requested, and return it: nothing listens there. */
  readonly stopAt?: string
}

export interface Person {
  /** Goes where `url` leads, through the pages of a sign-in, to the page at its end. */
  visit(url: string, choices?: Choices): Promise<Page>
  /** Opens the verification address of a device, and types the code where it asks for one. */
  enterCode(verificationUri: string, userCode: string, choices?: Choices): Promise<Page>
}

/** More steps than any sign-in takes. */
const MOST_STEPS = 30

/** Stays signed in at the server from one visit to the next, as a browser does. */
export function createPerson(login: string): Person {
  const cookies = new Map<string, { origin: string; path: string; pair: string }>()

  async function browse(
    start: string,
    { cancel = false, stopAt }: Choices,
    known: Readonly<Record<string, string>>,
  ): Promise<Page> {
    let next: { url: string; form?: URLSearchParams } = { url: start }
    for (let step = 0; step < MOST_STEPS; step++) {
      if (stopAt !== undefined && next.url.startsWith(stopAt)) {
        return { url: next.url, status: 0, text: '' }
      }
      const page = await load(next.url, next.form)
      if (page.location !== undefined) {
        next = { url: new URL(page.location, page.url).href }
        continue
      }
      const exit = /href="([^"]+\/abort)"/.exec(page.text)?.[1]
      if (cancel && exit !== undefined) {
        next = { url: new URL(unescape(exit), page.url).href }
        continue
      }
      const form = formOf(page.text)
      if (!form) return page
      for (const name of form.asked) form.fields.set(name, known[name] ?? login)
      const action = new URL(form.action, page.url).href
      if (cancel && form.fields.has('confirm')) {
        form.fields.delete('confirm')
        form.fields.set('abort', 'yes')
        return load(action, form.fields)
      }
      next = { url: action, form: form.fields }
    }
    throw new Error(`The sign-in at ${start} does not come to an end.`)
  }

  async function load(url: string, form?: URLSearchParams): Promise<Page & { location?: string }> {
    const { origin, pathname } = new URL(url)
    const cookie = [...cookies.values()]
      .filter((candidate) => candidate.origin === origin && pathname.startsWith(candidate.path))
      .map(({ pair }) => pair)
      .join('; ')
    const body = form?.toString()
    const { status, headers, text } = await exchange(url, body, {
      'sec-fetch-mode': 'navigate',
      ...(cookie !== '' && { cookie }),
      ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
    })
    for (const line of headers['set-cookie'] ?? []) keep(origin, line)
    return { url, status, text, ...(headers.location && { location: headers.location }) }
  }

  function keep(origin: string, line: string): void {
    const [pair = '', ...attributes] = line.split(/;\s*/)
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/'
    const key = `${origin} ${path} ${pair.split('=', 1)[0] ?? ''}`
    const gone = attributes.some((attribute) => {
      return /^expires=/i.test(attribute) && Date.parse(attribute.slice(8)) <= Date.now()
    })
    if (gone) cookies.delete(key)
    else cookies.set(key, { origin, path, pair })
  }

  return {
    visit: (url, choices = {}) => browse(url, choices, {}),
    enterCode: (verificationUri, userCode, choices = {}) =>
      browse(verificationUri, choices, { user_code: userCode }),
  }
}

/** The first form of a page that is there to be filled in: what it knows, and what it asks for. */
function formOf(html: string) {
  const [, opening = '', rest = ''] =
    /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html.replaceAll("'", '"')) ?? []
  const action = attribute(opening, 'action')
  if (action === undefined) return undefined
  const fields = new URLSearchParams()
  const asked: string[] = []
  for (const [input] of rest.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(input, 'name')
    if (name === undefined) continue
    const value = attribute(input, 'value')
    if (value !== undefined) fields.set(name, value)
    else asked.push(name)
  }
  return { action, fields, asked }
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(tag)?.[1]
  return value === undefined ? undefined : unescape(value)
}

function unescape(text: string): string {
  return text
    .replace(/&#x([\da-f]+);/gi, (_entity, code: string) =>
      String.fromCodePoint(parseInt(code, 16)),
    )
    .replace(/&#(\d+);/g, (_entity, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&amp;', '&')
}

async function exchange(url: string, body: string | undefined, headers: Record<string, string>) {
  return new Promise<{
    status: number
    headers: { location?: string | undefined; 'set-cookie'?: string[] | undefined }
    text: string
  }>((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const outgoing = send(url, { method, headers, agent: false }, (incoming) => {
      buffer(incoming).then((content) => {
        const { statusCode: status = 0, headers: received } = incoming
        resolve({ status, headers: received, text: content.toString() })
      }, reject)
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}
