/** What clicks do. Each asks the daemon, and puts into the state what came of it. */
import type { Range, State } from './state.ts'
import {
  forgetKey,
  Refused,
  type SignIn,
  type StartedSignIn,
  type Verdict,
  type Wire,
} from './wire.ts'

export interface Actions {
  renew(app: string): void
  signIn(app: string): void
  /** The second call within a few seconds signs out. */
  signOut(app: string): void
  filter(name: 'app' | 'kind' | 'caller', value: string): void
  look(range: Range): void
  showRows(all: boolean): void
  showItems(count: number): void
  runDoctor(): void
  /** Ends the page and its key. */
  close(): void
}

export interface ActionDeps {
  readonly state: State
  readonly wire: Wire
  readonly draw: () => void
  /** Reads again what depends on the range. */
  readonly readHours: () => Promise<void>
  readonly onClosed: () => void
}

const SURE_MS = 5_000

export function createActions({ state, wire, draw, readHours, onClosed }: ActionDeps): Actions {
  async function ofApp(app: string, work: () => Promise<string>): Promise<void> {
    state.busy.add(app)
    state.told.delete(app)
    draw()
    try {
      state.told.set(app, { isFault: false, text: await work() })
    } catch (error) {
      state.told.set(app, { isFault: true, text: wordsOf(error) })
    } finally {
      state.busy.delete(app)
      draw()
    }
  }

  return {
    renew(app) {
      void ofApp(app, async () => {
        await wire.post(pathOf(app, 'renew'))
        return 'Renewed.'
      })
    },
    signIn(app) {
      // Opened in the click itself: a browser lets no window open later.
      const tab = window.open('about:blank')
      if (tab) tab.opener = null
      void ofApp(app, async () => {
        try {
          return await completeSignIn(app, tab)
        } catch (error) {
          tab?.close()
          throw error
        } finally {
          state.signInLinks.delete(app)
        }
      })
    },
    signOut(app) {
      if (state.signingOut !== app) {
        state.signingOut = app
        setTimeout(() => {
          if (state.signingOut === app) state.signingOut = undefined
          draw()
        }, SURE_MS)
        draw()
        return
      }
      state.signingOut = undefined
      void ofApp(app, async () => {
        const { revoked } = await wire.post<{ revoked: boolean }>(pathOf(app, 'logout'))
        return revoked ? 'Signed out, and revoked at the server.' : 'Signed out.'
      })
    },
    filter(name, value) {
      state.filters = { ...state.filters, [name]: value }
      draw()
    },
    look(range) {
      state.range = range
      draw()
      void readHours()
    },
    showRows(all) {
      state.showsAllRows = all
      draw()
    },
    showItems(count) {
      state.shownItems = count
      draw()
    },
    runDoctor() {
      void runDoctor()
    },
    close() {
      void wire.delete('/v1/page').finally(() => {
        forgetKey()
        state.connection = 'closed'
        onClosed()
        draw()
      })
    },
  }

  async function completeSignIn(app: string, tab: Window | null): Promise<string> {
    const started = await wire.post<StartedSignIn>(pathOf(app, 'login'))
    const { id, open_url: link, listening, busy_port: port } = started
    if (link === null || !listening) {
      tab?.close()
      await wire.delete(pathOf(app, `login/${id}`))
      const why =
        port === null
          ? "The browser cannot come back to the daemon at this app's redirect URI."
          : `Another program has port ${port}, to which the browser comes back after the sign-in.`
      return `${why} Sign in in a terminal: \`evo-token login ${app}\`.`
    }
    if (tab) tab.location.href = link
    else state.signInLinks.set(app, link)
    state.told.set(app, { isFault: false, text: 'Sign in in the other tab.' })
    draw()
    for (;;) {
      // The daemon answers when it ends, and after 25 s in any case.
      const { status, message } = await wire.get<SignIn>(pathOf(app, `login/${id}`))
      if (status === 'failed') throw new Refused(0, message ?? 'The sign-in failed.', '')
      if (status === 'succeeded') return message ?? 'Signed in.'
    }
  }

  async function runDoctor(): Promise<void> {
    const verdicts: Verdict[] = []
    state.doctor = { isRunning: true, verdicts }
    draw()
    try {
      for await (const verdict of wire.lines<Verdict>('/v1/doctor')) {
        verdicts.push(verdict)
        draw()
      }
      state.doctor = { isRunning: false, verdicts }
    } catch (error) {
      state.doctor = { isRunning: false, verdicts, fault: wordsOf(error) }
    }
    draw()
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof Refused) return `${error.message} ${error.hint}`.trim()
  return 'The daemon does not answer.'
}

function pathOf(app: string, what: string): string {
  return `/v1/apps/${encodeURIComponent(app)}/${what}`
}
