/** What `login` says to a person on the way to the authorization server, and while nothing comes back. */
import { plain } from '../plain.ts'
import type { StartedInBrowser } from './sign-in-json.ts'

/** A browser that has not opened the link by then most likely shows something else than the sign-in page. */
export const NO_VISIT_AFTER_MS = 20_000

/** A sign-in page that has been open for so long may show an error. */
export const REMINDER_AFTER_MS = 60_000

const PASTE_ADDRESS = 'paste the address of that page here, and press Enter'

const GIVE_UP = 'This waits until you are done; to give up, press Ctrl-C.'

export function opensInBrowser(app: string, started: StartedInBrowser): string {
  return `The browser opens for you to sign in to ${app}. ${GIVE_UP}
${howItEnds(started)}
${ifPageShowsError(app, started)}`
}

export function openByHand(app: string, started: StartedInBrowser): string {
  return `To sign in to ${app}, open this address in a browser, on any machine:

${plain(started.authorization_url)}

${GIVE_UP}
${ifPageShowsError(app, started)}${howItEnds(started)}
`
}

function howItEnds({ listening }: StartedInBrowser): string {
  return listening === false
    ? `When the browser has come to the page after the sign-in, ${PASTE_ADDRESS}: paste the address whatever the page shows.`
    : `If the browser ends on a page that does not load, ${PASTE_ADDRESS}.`
}

/** Undefined where the daemon listens on the port of the redirect URI. */
export function portTaken({ busy_port, busy_port_user }: StartedInBrowser): string | undefined {
  if (typeof busy_port !== 'number') return undefined
  const whose = {
    own: 'another program of yours',
    other: 'a program of another user of this machine',
    unknown: 'another program, perhaps of another user,',
  }[busy_port_user ?? 'unknown']
  const warning =
    busy_port_user === 'own'
      ? ''
      : ' What it shows you is not from evo-token: type nothing there, and only paste the address here. It cannot use what it receives.'
  return `Port ${busy_port}, to which the browser comes back after the sign-in, belongs to ${whose}: the browser ends on a page of that program, or on one that does not load.${warning}
`
}

/** The parameters of the authorization request that have to be as registered. */
const SENT_PARAMETERS = { client_id: 'client id', redirect_uri: 'redirect URI', scope: 'scopes' }

/** What to compare with the registration. Of an error page that the server shows the daemon learns nothing. */
export function ifPageShowsError(
  app: string,
  { authorization_url: url }: StartedInBrowser,
): string {
  const sent = URL.canParse(url) ? new URL(url).searchParams : new URLSearchParams()
  const rows = Object.entries(SENT_PARAMETERS).flatMap(([name, label]) => {
    const value = sent.get(name)
    return value === null ? [] : [`  ${label.padEnd(12)}  ${plain(value)}`]
  })
  return `If the sign-in page shows an error, compare these with the registration of ${app}:
${rows.join('\n')}
`
}

export function noVisit({ open_url: link }: StartedInBrowser): string {
  return `No browser has opened the link yet. If none appeared, open this link by hand, in a browser of this machine:

${plain(link ?? '')}

If the browser shows another program's page, a web server in development may have left a service worker there: open the link in a private window. If it insists on https:, allow http: for this address. If it is on another machine, give up with Ctrl-C and use --no-browser. Whatever page it ends on, ${PASTE_ADDRESS}.
`
}

export function stillWaiting(app: string, started: StartedInBrowser): string {
  return `Still waiting for the sign-in to ${app}. ${ifPageShowsError(app, started)}If the browser ended on a page that is not of evo-token, ${PASTE_ADDRESS}. To give up, press Ctrl-C.
`
}

export const HTTPS_TRIED = `The browser tried https: where the sign-in ends, and evo-token answers http: there. Allow http: for this address in the browser (its "HTTPS-only" setting), load the page again with http:// in front; or ${PASTE_ADDRESS}.
`

export function deviceCode(
  app: string,
  {
    user_code: code,
    verification_uri: uri,
    verification_uri_complete: whole,
  }: {
    readonly user_code: string
    readonly verification_uri: string
    readonly verification_uri_complete: string | null
  },
): string {
  const shortcut = whole === null ? '' : `, or open ${plain(whole)}`
  return `To sign in to ${app}, open this address on any device:

  ${plain(uri)}

and type this code${shortcut}:

  ${plain(code)}

${GIVE_UP}
`
}
