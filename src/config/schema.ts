/**
 * The config as it is written: every setting, its default and its description, in one place. What
 * `parseConfig` accepts, the published JSON Schema and the unknown-key suggestions all come from here.
 */
import { z } from 'zod'
import { isLoopbackHost } from '../core/loopback.ts'
import { NAME_PATTERN, VARIABLE_PATTERN } from '../core/names.ts'
import { KEY_CHOICES } from '../core/vault-key-source.ts'
import { appSettings } from './app-schema.ts'
import { EVO_ISSUER } from './evo.ts'
import { APP_NAME } from './names.ts'
import { refreshSettings } from './refresh-settings.ts'
import { shareSettings } from './share-settings.ts'
import {
  durationSetting,
  issuerSetting,
  notOneOf,
  pathSetting,
  settingsObject,
  textSetting,
} from './schema-parts.ts'

const FILE_EXPECTED = 'an object with app and path'
const tokenFileApp = {
  app: textSetting('the name of an app', NAME_PATTERN).describe(
    'The app whose access token is written.',
  ),
  path: pathSetting.describe('The file to keep up to date.'),
}
const dotenvFile = settingsObject(FILE_EXPECTED, {
  ...tokenFileApp,
  // Without optional() the union would look for a format before there is a default.
  format: z
    .literal('dotenv')
    .optional()
    .default('dotenv')
    .describe('dotenv: one NAME=value line; everything else in the file stays as it is.'),
  variable: textSetting('a variable name: letters, digits and "_"', VARIABLE_PATTERN)
    .prefault('EVO_ACCESS_TOKEN')
    .describe('The name of the variable.'),
})
const wholeFile = settingsObject(
  FILE_EXPECTED,
  {
    ...tokenFileApp,
    format: z
      .enum(['raw', 'json'])
      .describe('raw: the access token alone. json: an object that has it as access_token.'),
  },
  { variable: 'is a setting of dotenv files only: take it out' },
)
export const FILE_KINDS = { dotenv: dotenvFile, raw: wholeFile } as const
const tokenFileSettings = z.discriminatedUnion('format', [dotenvFile, wholeFile], {
  error: notOneOf('one of raw, dotenv, json', FILE_EXPECTED),
})

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
/** With more apps, a reload takes minutes. */
const MOST_APPS = 10_000

const COMMAND_EXPECTED = 'a list of strings: the program, then its arguments'
const LOOPBACK_EXPECTED = 'a loopback address: 127.0.0.0/8, ::1 or localhost'
const PORT_EXPECTED = 'a whole number from 0 to 65535'
const oneOf = (names: readonly string[]) => `one of ${names.join(', ')}`

export const configSchema = settingsObject('an object', {
  $schema: z.string({ error: 'a string' }).optional().describe('For editors; not used.'),
  issuer: issuerSetting
    .prefault(EVO_ISSUER)
    .describe('The authorization server of all apps that name no other.'),
  listen: settingsObject('an object with host and port', {
    host: textSetting(LOOPBACK_EXPECTED, isLoopbackHost)
      .prefault('127.0.0.1')
      .describe('A loopback address; nothing else is possible.'),
    port: z
      .int({ error: PORT_EXPECTED })
      .min(0, { error: PORT_EXPECTED })
      .max(65535, { error: PORT_EXPECTED })
      .prefault(13860)
      .describe('The TCP port; 0 is any free one.'),
  })
    .prefault({})
    .describe('Where callers reach the daemon.'),
  vault: settingsObject('an object with key', {
    key: z
      .enum(KEY_CHOICES, { error: oneOf(KEY_CHOICES) })
      .prefault('auto')
      .describe(
        'Where the vault key lives: the keychain of the system, a 0600 file, or a systemd credential. auto takes the keychain where there is one.',
      ),
  })
    .prefault({})
    .describe('How the tokens are encrypted on disk.'),
  refresh: refreshSettings
    .prefault({})
    .describe('When tokens are renewed, and how long to wait after a failure.'),
  log: settingsObject('an object with level', {
    level: z
      .enum(LOG_LEVELS, { error: oneOf(LOG_LEVELS) })
      .prefault('info')
      .describe('What is logged: this level and those above it.'),
  })
    .prefault({})
    .describe('The log, JSON lines.'),
  ca: pathSetting
    .optional()
    .describe("A PEM file of certificate authorities to trust besides the system's."),
  notify: settingsObject('an object with command', {
    command: z
      .array(z.string({ error: 'a string' }), { error: COMMAND_EXPECTED })
      .refine(([program]) => program !== undefined && program !== '', { error: COMMAND_EXPECTED })
      .meta({ minItems: 1 })
      .describe('The program to run when an app needs a person, and its arguments.'),
    every: durationSetting('1s', '30d')
      .prefault('15m')
      .describe('The least time between two runs for the same event of the apps of one issuer.'),
  })
    .optional()
    .describe('Tells a person when an app needs one.'),
  share: shareSettings
    .optional()
    .describe('The database through which daemons on many hosts serve the same sessions.'),
  files: z
    .array(tokenFileSettings, { error: 'a list of objects with app and path' })
    .prefault([])
    .describe('Files that are kept up to date with an access token.'),
  apps: z
    .record(z.string().regex(NAME_PATTERN, { error: APP_NAME }), appSettings, {
      error: 'an object of app names and apps',
    })
    .refine((apps) => Object.keys(apps).length <= MOST_APPS, { error: 'at most 10,000 apps' })
    .meta({ maxProperties: MOST_APPS })
    .prefault({})
    .describe('The apps, by the names that callers use.'),
}).meta({ title: 'The config of evo-token' })

/** The config after the schema: defaults applied, durations in milliseconds. */
export type Settings = z.output<typeof configSchema>
export type AppSettings = Settings['apps'][string]
export type LogLevel = Settings['log']['level']

/** The published JSON Schema, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { target: 'draft-2020-12', io: 'input' })
}
