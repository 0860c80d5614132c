/**
 * The config as it is written: every setting, its default and its description, in one place. What
 * `parseConfig` accepts, the published JSON Schema and the unknown-key suggestions all come from here.
 */
import { z } from 'zod'
import { isLoopbackHost } from '../core/loopback.ts'
import { NAME, VARIABLE } from '../core/names.ts'
import { app } from './app-schema.ts'
import { EVO_ISSUER } from './evo.ts'
import { APP_NAME } from './names.ts'
import { refresh } from './refresh-settings.ts'
import { share } from './share-settings.ts'
import { duration, issuer, notOneOf, path, settings, text } from './schema-parts.ts'

const FILE = 'an object with app and path'
const whose = {
  app: text('the name of an app', NAME).describe('The app whose access token is written.'),
  path: path.describe('The file to keep up to date.'),
}
const dotenvFile = settings(FILE, {
  ...whose,
  // Without optional() the union would look for a format before there is a default.
  format: z
    .literal('dotenv')
    .optional()
    .default('dotenv')
    .describe('dotenv: one NAME=value line; everything else in the file stays as it is.'),
  variable: text('a variable name: letters, digits and "_"', VARIABLE)
    .prefault('EVO_ACCESS_TOKEN')
    .describe('The name of the variable.'),
})
const wholeFile = settings(
  FILE,
  {
    ...whose,
    format: z
      .enum(['raw', 'json'])
      .describe('raw: the access token alone. json: an object that has it as access_token.'),
  },
  { variable: 'is a setting of dotenv files only: take it out' },
)
export const FILE_KINDS = { dotenv: dotenvFile, raw: wholeFile } as const
const file = z.discriminatedUnion('format', [dotenvFile, wholeFile], {
  error: notOneOf('one of raw, dotenv, json', FILE),
})

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
/** With more apps, a reload takes minutes. */
const MOST_APPS = 10_000

const VAULT_KEYS = ['auto', 'keychain', 'file', 'credential'] as const
const COMMAND = 'a list of strings: the program, then its arguments'
const LOOPBACK = 'a loopback address: 127.0.0.0/8, ::1 or localhost'
const PORT = 'a whole number from 0 to 65535'
const oneOf = (names: readonly string[]) => `one of ${names.join(', ')}`

export const configSchema = settings('an object', {
  $schema: z.string({ error: 'a string' }).optional().describe('For editors; not used.'),
  issuer: issuer
    .prefault(EVO_ISSUER)
    .describe('The authorization server of all apps that name no other.'),
  listen: settings('an object with host and port', {
    host: text(LOOPBACK, isLoopbackHost)
      .prefault('127.0.0.1')
      .describe('A loopback address; nothing else is possible.'),
    port: z
      .int({ error: PORT })
      .min(0, { error: PORT })
      .max(65535, { error: PORT })
      .prefault(13860)
      .describe('The TCP port; 0 is any free one.'),
  })
    .prefault({})
    .describe('Where callers reach the daemon.'),
  vault: settings('an object with key', {
    key: z
      .enum(VAULT_KEYS, { error: oneOf(VAULT_KEYS) })
      .prefault('auto')
      .describe(
        'Where the vault key lives: the keychain of the system, a 0600 file, or a systemd credential. auto takes the keychain where there is one.',
      ),
  })
    .prefault({})
    .describe('How the tokens are encrypted on disk.'),
  refresh: refresh
    .prefault({})
    .describe('When tokens are renewed, and how long to wait after a failure.'),
  log: settings('an object with level', {
    level: z
      .enum(LOG_LEVELS, { error: oneOf(LOG_LEVELS) })
      .prefault('info')
      .describe('What is logged: this level and those above it.'),
  })
    .prefault({})
    .describe('The log, JSON lines.'),
  ca: path
    .optional()
    .describe("A PEM file of certificate authorities to trust besides the system's."),
  notify: settings('an object with command', {
    command: z
      .array(z.string({ error: 'a string' }), { error: COMMAND })
      .refine(([program]) => program !== undefined && program !== '', { error: COMMAND })
      .meta({ minItems: 1 })
      .describe('The program to run when an app needs a person, and its arguments.'),
    every: duration('1s', '30d')
      .prefault('15m')
      .describe('The least time between two runs for the same event of the apps of one issuer.'),
  })
    .optional()
    .describe('Tells a person when an app needs one.'),
  share: share
    .optional()
    .describe('The database through which daemons on many hosts serve the same sessions.'),
  files: z
    .array(file, { error: 'a list of objects with app and path' })
    .prefault([])
    .describe('Files that are kept up to date with an access token.'),
  apps: z
    .record(z.string().regex(NAME, { error: APP_NAME }), app, {
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
export type VaultKeySource = Settings['vault']['key']

/** The published JSON Schema, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { target: 'draft-2020-12', io: 'input' })
}
