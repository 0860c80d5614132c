/** The actions behind clicks. Most send a request to the daemon, and put the result into the state. */
import type { SignInAnswer, StartedSignInAnswer, CheckAnswer } from './answers.ts'
import type { Range, State } from './state.ts'
import { forgetKey, Refused, type Wire } from './wire.ts'

export interface Actions {
  renew(app: string): void
  signIn(app: string): void
  /** Ends the pending sign-in. */
  cancelSignIn(app: string): void
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
  /** Draws the plots too. */
  readonly drawAll: () => void
  /** Reads again what depends on the range. Never rejects. */
  readonly readHours: () => Promise<void>
  readonly onClose: () => void
}

const SURE_MS = 5_000
/** How long the result of a click is shown. */
const TOLD_MS = 60_000

export function createActions(deps: ActionDeps): Actions {
  const { state, wire, draw, drawAll, readHours, onClose } = deps
  async function ofApp(app: string, work: () => Promise<string>): Promise<void> {
    // A second click may come before the button is drawn as busy.
    if (state.busy.has(app)) return
    state.busy.add(app)
    state.told.delete(app)
    draw()
    const result = await work().then(
      (text) => ({ isFault: false, text }),
      (error: unknown) => ({ isFault: true, text: errorWords(error) }),
    )
    state.told.set(app, result)
    state.busy.delete(app)
    draw()
    setTimeout(() => {
      if (state.told.get(app) === result) state.told.delete(app)
      draw()
    }, TOLD_MS)
  }

  return {
    renew(app) {
      void ofApp(app, async () => {
        await wire.post(appActionPath(app, 'renew'))
        return 'Renewed.'
      })
    },
    signIn(app) {
      if (state.busy.has(app)) return
      // Opened during the click: browsers block windows that open later.
      const tab = window.open('about:blank')
      if (tab) tab.opener = null
      void ofApp(app, async () => {
        try {
          return await completeSignIn(app, tab)
        } catch (error) {
          tab?.close()
          throw error
        } finally {
          state.signIns.delete(app)
        }
      })
    },
    cancelSignIn(app) {
      const id = state.signIns.get(app)?.id
      if (id === undefined) return
      // The request that waits for the end reports the result.
      void wire.delete(appActionPath(app, `login/${id}`)).catch(() => undefined)
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
        const { revoked } = await wire.post<{ revoked: boolean }>(appActionPath(app, 'logout'))
        return revoked ? 'Signed out, and revoked at the server.' : 'Signed out.'
      })
    },
    filter(name, value) {
      state.filters = { ...state.filters, [name]: value }
      draw()
    },
    look(range) {
      state.range = range
      drawAll()
      void readHours()
    },
    showRows(all) {
      state.showsAllRows = all
      drawAll()
    },
    showItems(count) {
      state.shownItems = count
      draw()
    },
    runDoctor() {
      if (!state.doctor?.isRunning) void runDoctor()
    },
    close() {
      // The daemon ends the stream of events before it answers.
      onClose()
      const ended = wire.delete('/v1/page').catch(() => undefined)
      void ended.then(() => {
        forgetKey()
        state.connection = 'closed'
        draw()
      })
    },
  }

  async function completeSignIn(app: string, tab: Window | null): Promise<string> {
    const started = await wire.post<StartedSignInAnswer>(appActionPath(app, 'login'))
    const { id, open_url: link, listening, busy_port: port } = started
    if (link === null || !listening) {
      tab?.close()
      await wire.delete(appActionPath(app, `login/${id}`))
      const why =
        port === null
          ? "The browser cannot come back to the daemon at this app's redirect URI."
          : `Another program has port ${port}, to which the browser comes back after the sign-in.`
      return `${why} Sign in in a terminal: \`evo-token login ${app}\`.`
    }
    if (tab) tab.location.href = link
    state.signIns.set(app, { id, link: tab ? undefined : link })
    state.told.set(app, { isFault: false, text: 'Sign in in the other tab.' })
    draw()
    for (;;) {
      // The daemon answers when the sign-in ends, and after 25 s at the latest.
      const { status, message } = await wire.get<SignInAnswer>(appActionPath(app, `login/${id}`))
      if (status === 'failed') throw new Refused(0, message ?? 'The sign-in failed.', '')
      if (status === 'succeeded') return message ?? 'Signed in.'
    }
  }

  async function runDoctor(): Promise<void> {
    const verdicts: CheckAnswer[] = []
    state.doctor = { isRunning: true, verdicts }
    draw()
    try {
      for await (const verdict of wire.lines<CheckAnswer>('/v1/doctor')) {
        verdicts.push(verdict)
        draw()
      }
      state.doctor = { isRunning: false, verdicts }
    } catch (error) {
      state.doctor = { isRunning: false, verdicts, fault: errorWords(error) }
    }
    draw()
  }
}

function errorWords(error: unknown): string {
  if (error instanceof Refused) return `${error.message} ${error.hint}`.trim()
  return 'The daemon does not answer.'
}

function appActionPath(app: string, what: string): string {
  return `/v1/apps/${encodeURIComponent(app)}/${what}`
}
