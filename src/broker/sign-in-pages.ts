/** What a browser shows at the end of a sign-in. */
import type { SignInPage } from '../core/redirect-listener.ts'
import type { SignInStatus } from '../core/status.ts'

/** For a response that comes while another one of the same sign-in is being redeemed. */
export const ALREADY_USED: SignInPage = {
  ok: false,
  title: 'Already used',
  text: 'A response to this sign-in arrived before, and is being used now. "evo-token login" shows the result.',
}

/** For the response that the sign-in ended with. */
export function pageOf(app: string, status: SignInStatus): SignInPage {
  if (status.status !== 'succeeded') {
    return { ok: false, title: 'Not signed in', text: `${whyFailed(status)} ${adviseSignIn(app)}` }
  }
  const remark = status.message === null ? '' : ` ${status.message}`
  return {
    ok: true,
    title: 'Signed in',
    text: `${whoIsIn(app, status)} You can close this page.${remark}`,
  }
}

/** For a response after the end: a person went back in the browser, or took too long. */
export function latePageOf(app: string, status: SignInStatus): SignInPage {
  const how = status.status === 'succeeded' ? whoIsIn(app, status) : whyFailed(status)
  return { ok: false, title: 'This sign-in has ended', text: `${how} ${adviseSignIn(app)}` }
}

function whoIsIn(app: string, { subject }: SignInStatus): string {
  return `${app} is signed in${subject === null ? '' : ` as ${subject}`}.`
}

function whyFailed({ error, message }: SignInStatus): string {
  const words = message ?? ''
  return error === null || words.includes(error) ? words : `${words} (${error})`
}

function adviseSignIn(app: string): string {
  return `To sign in again, start with "evo-token login ${app}".`
}
