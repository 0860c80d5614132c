/** The one-time links and the keys of open pages: in memory only, so that a restart ends them all. */
import { hash, randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** How long a link waits to be opened, in milliseconds. */
export const LINK_MS = 5 * 60_000

/** How long a key lives after the last request that showed it. */
const KEY_MS = 15 * 60_000

/** Links and keys have 256 bits. */
const PAGE_KEY_BYTES = 32

/** The most links, and the most pages; one more ends the oldest. */
const PAGES_MAX = 16

interface Link {
  readonly endsAt: number
  /** The digest of the key that it gave; absent until it is opened. */
  gave?: string
}

interface OpenPage {
  lastSeen: number
  readonly responses: Set<ServerResponse>
}

export type LinkResult =
  | { readonly kind: 'key'; readonly key: string }
  /** The link was opened before, and that page has ended now. */
  | { readonly kind: 'used' }
  | { readonly kind: 'unknown' }

export class PageKeys {
  /** Milliseconds of the monotonic clock. */
  readonly #now: () => number
  readonly #links = new Map<string, Link>()
  readonly #pages = new Map<string, OpenPage>()

  constructor(now: () => number) {
    this.#now = now
  }

  createLink(): string {
    const link = randomBytes(PAGE_KEY_BYTES).toString('base64url')
    this.#links.set(digestKey(link), { endsAt: this.#now() + LINK_MS })
    dropOldest(this.#links)
    return link
  }

  /** Gives a key for a link, once. A second visit ends the page of the first: one of the two may not be the owner's. */
  redeem(given: string): LinkResult {
    const link = this.#links.get(digestKey(given))
    if (!link || link.endsAt <= this.#now()) return { kind: 'unknown' }
    if (link.gave !== undefined) {
      this.#end(link.gave)
      return { kind: 'used' }
    }
    const key = randomBytes(PAGE_KEY_BYTES).toString('base64url')
    link.gave = digestKey(key)
    this.#pages.set(link.gave, { lastSeen: this.#now(), responses: new Set() })
    if (this.#pages.size > PAGES_MAX) this.#end([...this.#pages.keys()][0] ?? '')
    return { kind: 'key', key }
  }

  isKnown(key: string): boolean {
    const page = this.#pages.get(digestKey(key))
    if (!page || this.#isOver(page)) return false
    page.lastSeen = this.#now()
    return true
  }

  /** Keeps the page open while `response` is not finished, and ends it with the page. */
  track(key: string, response: ServerResponse): void {
    const page = this.#pages.get(digestKey(key))
    if (!page || response.writableEnded) return
    page.responses.add(response)
    response.once('close', () => {
      page.responses.delete(response)
      page.lastSeen = this.#now()
    })
  }

  end(key: string): void {
    this.#end(digestKey(key))
  }

  /** Ends what was not used for too long. Returns whether a page is open, or a link waits. */
  beat(): boolean {
    for (const [digest, { endsAt }] of this.#links) {
      if (endsAt <= this.#now()) this.#links.delete(digest)
    }
    for (const [digest, page] of this.#pages) if (this.#isOver(page)) this.#end(digest)
    const unopened = [...this.#links.values()].some(({ gave }) => gave === undefined)
    return unopened || this.#pages.size > 0
  }

  #isOver({ lastSeen, responses }: OpenPage): boolean {
    return responses.size === 0 && this.#now() - lastSeen >= KEY_MS
  }

  #end(digest: string): void {
    for (const response of this.#pages.get(digest)?.responses ?? []) response.destroy()
    this.#pages.delete(digest)
  }
}

/** Keys are looked up by their digest, so that the time of a lookup says nothing about a guess. */
function digestKey(text: string): string {
  return hash('sha256', text, 'hex')
}

function dropOldest(links: Map<string, Link>): void {
  const oldest = [...links.keys()][0]
  if (links.size > PAGES_MAX && oldest !== undefined) links.delete(oldest)
}
