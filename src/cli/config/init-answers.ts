/** The answers to `init`: reads them as a person gives them, and says what is wrong with one. */
import { parseConfig } from '../../config.ts'
import { CLIENT_ID_FORM, ODD_CLIENT_ID } from '../../config/client-ids.ts'
import { type ConfigFault, showPath } from '../../config/faults.ts'
import { APP_NAME } from '../../config/names.ts'
import { NAME_PATTERN } from '../../core/names.ts'

/** The new app, as the config will have it. */
export interface NewApp {
  readonly type: string
  readonly clientId: string
  readonly issuer?: string | undefined
  readonly redirectUris?: readonly string[] | undefined
  readonly scopes: readonly string[]
  readonly reissue?: string | undefined
}

/** True where the value of `setting` is valid, else a sentence about what it has to be. */
export function validateSetting(setting: keyof NewApp, app: NewApp): string | true {
  const blank = setting === 'clientId' ? clientIdFault(app) : undefined
  if (blank !== undefined) return `It ${withForm(setting, blank)}.`
  const result = parseConfig(JSON.stringify({ apps: { app } }))
  if (result.kind === 'ok') return true
  const found = result.faults.find(({ path }) => settingInPath('app', path) === setting)
  return found ? `It ${withForm(setting, found.message)}.` : true
}

/**
 * Pasted text often has blanks around it, and invisible characters in it, such as soft hyphens and marks of
 * writing direction. (U+2800 is the blank of Braille.)
 */
export function withoutBlanks(text: string): string {
  return text
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/^[\s\p{Cc}\u2800]+|[\s\p{Cc}\u2800]+$/gu, '')
}

export function clientIdFault({ clientId }: NewApp): string | undefined {
  return ODD_CLIENT_ID.test(clientId) ? CLIENT_ID_FORM : undefined
}

/** Splits a list that has blanks, commas or both between its words. */
export function splitWords(text: string): string[] {
  return withoutBlanks(text)
    .split(/[\s,]+/)
    .filter(Boolean)
}

const FORM_BY_SETTING: Readonly<Record<string, string>> = {
  clientId: 'such as native-AbC123, as the Developer Portal shows it',
  redirectUris: 'such as http://localhost:3000/signin-callback',
  issuer: 'such as https://ims.bentley.com',
}

/** Adds an example to a message that says what a value has to be. */
export function withForm(setting: string | undefined, message: string): string {
  const form = FORM_BY_SETTING[setting ?? '']
  return form === undefined ? message : `${message}; ${form}`
}

export function judgeName(name: string, names: readonly string[], force: boolean): string | true {
  if (!NAME_PATTERN.test(name)) return `It ${APP_NAME}.`
  return names.includes(name) && !force ? 'There is an app of that name; choose another.' : true
}

const OPTION_BY_SETTING: Readonly<Record<string, string>> = {
  clientId: '--client-id',
  issuer: '--issuer',
  redirectUris: '--redirect-uri',
  scopes: '--scope',
  reissue: '--reissue',
}

/** The faults of the new app, each with the option that it came from. */
export function optionFaults(name: string, faults: readonly ConfigFault[]): string {
  return faults
    .map(({ path, message }) => {
      const isName = path === showPath(['apps', name])
      const setting = settingInPath(name, path)
      return `${isName ? '--name' : (OPTION_BY_SETTING[setting ?? ''] ?? path)}: ${withForm(setting, message)}`
    })
    .join('\n')
}

/** The setting in a path: `scopes` in `apps.NAME.scopes[2]`. */
export function settingInPath(name: string, path: string): string | undefined {
  const app = `${showPath(['apps', name])}.`
  return path.startsWith(app) ? path.slice(app.length).split(/[.[]/)[0] : undefined
}
