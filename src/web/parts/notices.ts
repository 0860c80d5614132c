/** The top of the page: the state of the connection, and problems of the daemon itself. */
import { html, nothing, type TemplateResult } from 'lit/html.js'
import type { Actions } from '../actions.ts'
import type { ConnectionState, State } from '../state.ts'
import { withCommands } from './words.ts'

const CONNECTION_WORDS: Readonly<Record<ConnectionState, string>> = {
  opening: 'connecting',
  live: 'live',
  stopping: 'stopping',
  lost: 'no connection',
  ended: 'ended',
  intercepted: 'intercepted',
  closed: 'closed',
}

export function headPart(state: State, actions: Actions): TemplateResult {
  const { apps, connection } = state
  const ready = [...apps.values()].filter(({ problem }) => !problem?.blocking).length
  return html`<header class="head">
    <h1>evo-token</h1>
    <p class="summary">
      ${apps.size > 0 ? `${ready} of ${apps.size} ${apps.size === 1 ? 'app' : 'apps'} well` : ''}
    </p>
    <p class="connection ${connection}" role="status">${CONNECTION_WORDS[connection]}</p>
    ${
      connection === 'live'
        ? html`<button
            @click=${() => {
              actions.close()
            }}
          >
            Close
          </button>`
        : nothing
    }
  </header>`
}

export function noticesPart({ connection, about, apps }: State): TemplateResult {
  const daemons = about?.problems ?? []
  const statuses = [...apps.values()]
  const isNew =
    statuses.every(({ session }) => session === 'signed-out') &&
    statuses.some(({ type }) => type !== 'service')
  return html`<div aria-live="assertive">
    ${connectionNotice(connection)}
    ${daemons.map(({ message, hint }) => renderNotice('warn', message, html`${withCommands(hint)}`))}
    ${
      isNew && connection === 'live'
        ? renderNotice(
            'plain',
            'No app has a session yet.',
            'Sign in below, and scripts and notebooks get tokens from then on.',
          )
        : nothing
    }
  </div>`
}

function connectionNotice(connection: ConnectionState) {
  switch (connection) {
    case 'opening':
    case 'live':
      return nothing
    case 'stopping':
      return renderNotice(
        'warn',
        'The daemon is stopping.',
        html`When it runs again, open the page again: <code>evo-token web</code>`,
      )
    case 'lost':
      return renderNotice(
        'bad',
        'The daemon does not answer.',
        html`The page shows the last known state. It goes on by itself when the daemon answers;
          after a restart of the daemon open it again: <code>evo-token web</code>`,
      )
    case 'ended':
      return renderNotice(
        'bad',
        'This page has ended.',
        html`Its key no longer works, for example after a restart of the daemon. Open the page
          again: <code>evo-token web</code>`,
      )
    case 'intercepted':
      return renderNotice(
        'bad',
        'A service worker of another program answers at this address.',
        html`The page does not show its key to it. Close this tab and open the page again:
          <code>evo-token web</code>`,
      )
    case 'closed':
      return renderNotice(
        'plain',
        'The page is closed.',
        html`Its key no longer works. To open it again: <code>evo-token web</code>`,
      )
  }
}

function renderNotice(
  level: 'bad' | 'warn' | 'plain',
  what: string,
  rest: string | TemplateResult,
) {
  return html`<div class="notice ${level}">
    <p><strong>${what}</strong> ${rest}</p>
  </div>`
}
