/** Warns of client ids that no registration has, such as one that was pasted twice or with its quotation marks. */
import type { App } from '../core/app.ts'
import { type ConfigFault, showPath } from './faults.ts'

/** RFC 6749 §A.1 allows these in a client id. */
export const ODD_CLIENT_ID = /[\s"'`<>]/

export const CLIENT_ID_FORM =
  'must be the client id of the registration, which has no blanks and no quotation marks in it'

export function clientIdWarnings({ name, clientId }: App): ConfigFault[] {
  return ODD_CLIENT_ID.test(clientId)
    ? [{ path: showPath(['apps', name, 'clientId']), message: CLIENT_ID_FORM }]
    : []
}
