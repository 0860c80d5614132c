/** `share`: the database through which daemons on many hosts serve the same sessions. */
import { z } from 'zod'
import { NAME_PATTERN } from '../core/names.ts'
import { notOneOf, pathSetting, settingsObject, textSetting } from './schema-parts.ts'

const HOST_EXPECTED =
  'a host with its port, such as "db.example.org:5432", or the directory of a Unix socket'
/** A name, an IPv4 address, an IPv6 address in brackets, or an absolute directory; a port may follow. */
const HOST_RULE =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\]|\/[^:\0]+)(?::\d{1,5})?$/
const ROLE_NAME_EXPECTED = 'a name of 1 to 63 characters'
const HOSTS_EXPECTED = 'a list of hosts, one at least'

const databaseSettings = {
  type: z
    .literal('postgresql', { error: '"postgresql"' })
    .describe('The kind of database; PostgreSQL is the only one.'),
  hosts: z
    .array(textSetting(HOST_EXPECTED, HOST_RULE), { error: HOSTS_EXPECTED })
    .min(1, { error: HOSTS_EXPECTED })
    .describe('Where the database may be; the one that takes writes is used.'),
  database: textSetting(ROLE_NAME_EXPECTED, /^[^\0]{1,63}$/).describe('The name of the database.'),
  user: textSetting(ROLE_NAME_EXPECTED, /^[^\0]{1,63}$/).describe('The role to log in as.'),
  passwordFile: pathSetting
    .optional()
    .describe('A private file with its password; the systemd credential db-password is taken too.'),
  ca: pathSetting
    .optional()
    .describe('A PEM file of the certificate authorities that the database is known by.'),
  certificateFile: pathSetting.optional().describe('A PEM file with the certificate to show.'),
  certificateKeyFile: pathSetting.optional().describe('A private PEM file with its key.'),
  name: textSetting('letters, digits, ".", "_" and "-", 64 at most', NAME_PATTERN)
    .optional()
    .describe("The name of this daemon among the others; the host's name if left out."),
}

const SHARE_EXPECTED = 'an object with type, hosts, database and user'

const keeperSettings = settingsObject(
  SHARE_EXPECTED,
  {
    ...databaseSettings,
    role: z
      .literal('keeper')
      .optional()
      .default('keeper')
      .describe('keeper: has the vault key, and can be the home of apps.'),
  },
  { readerKeys: 'is a setting of readers only: take it out' },
)
const readerSettings = settingsObject(SHARE_EXPECTED, {
  ...databaseSettings,
  role: z.literal('reader').describe('reader: serves access tokens that keepers publish.'),
  readerKeys: pathSetting
    .optional()
    .describe(
      'A private file with the keys that `evo-token share reader-key` made; the systemd credential reader-keys is taken too.',
    ),
})

export const shareSettings = z.discriminatedUnion('role', [keeperSettings, readerSettings], {
  error: notOneOf('one of keeper, reader', SHARE_EXPECTED),
})

export type ShareSettings = z.output<typeof shareSettings>
