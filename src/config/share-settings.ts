/** `share`: the database through which daemons on many hosts serve the same sessions. */
import { z } from 'zod'
import { NAME } from '../core/names.ts'
import { notOneOf, path, settings, text } from './schema-parts.ts'

const HOST =
  'a host with its port, such as "db.example.org:5432", or the directory of a Unix socket'
/** A name, an IPv4 address, an IPv6 address in brackets, or an absolute directory; a port may follow. */
const HOST_RULE =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\]|\/[^:\0]+)(?::\d{1,5})?$/
const ROLE_NAME = 'a name of 1 to 63 characters'
const HOSTS = 'a list of hosts, one at least'

const common = {
  type: z
    .literal('postgresql', { error: '"postgresql"' })
    .describe('The kind of database; PostgreSQL is the only one.'),
  hosts: z
    .array(text(HOST, HOST_RULE), { error: HOSTS })
    .min(1, { error: HOSTS })
    .describe('Where the database may be; the one that takes writes is used.'),
  database: text(ROLE_NAME, /^[^\0]{1,63}$/).describe('The name of the database.'),
  user: text(ROLE_NAME, /^[^\0]{1,63}$/).describe('The role to log in as.'),
  passwordFile: path
    .optional()
    .describe('A private file with its password; the systemd credential db-password is taken too.'),
  ca: path
    .optional()
    .describe('A PEM file of the certificate authorities that the database is known by.'),
  certificateFile: path.optional().describe('A PEM file with the certificate to show.'),
  certificateKeyFile: path.optional().describe('A private PEM file with its key.'),
  name: text('letters, digits, ".", "_" and "-", 64 at most', NAME)
    .optional()
    .describe("The name of this daemon among the others; the host's name if left out."),
}

const OBJECT = 'an object with type, hosts, database and user'

const keeper = settings(
  OBJECT,
  {
    ...common,
    role: z
      .literal('keeper')
      .optional()
      .default('keeper')
      .describe('keeper: has the vault key, and can be the home of apps.'),
  },
  { readerKeys: 'is a setting of readers only: take it out' },
)
const reader = settings(OBJECT, {
  ...common,
  role: z.literal('reader').describe('reader: serves access tokens that keepers publish.'),
  readerKeys: path
    .optional()
    .describe(
      'A private file with the keys that `evo-token share reader-key` made; the systemd credential reader-keys is taken too.',
    ),
})

export const share = z.discriminatedUnion('role', [keeper, reader], {
  error: notOneOf('one of keeper, reader', OBJECT),
})

export type ShareSettings = z.output<typeof share>
