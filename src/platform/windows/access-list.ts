/**
 * Who besides this user may read a file or directory, or write to it, by its access list. The list comes as
 * SDDL (Security Descriptor Definition Language, [MS-DTYP] 2.5.1), which names users by their SIDs: what
 * `icacls` prints otherwise has the names of Windows' own language.
 */

export type Access = 'read' | 'write'

/** Users who may do everything on this machine anyway, and names that stand for the owner. */
const TRUSTED_USERS = new Set([
  'SY', // LocalSystem
  'S-1-5-18',
  'BA', // Administrators
  'S-1-5-32-544',
  'LA', // the local Administrator
  'DA', // domain administrators
  'EA', // enterprise administrators
  'BO', // backup operators
  'S-1-5-32-551',
  'CO', // the user who creates a file in it
  'S-1-3-0',
  'OW', // the owner's rights
  'S-1-3-4',
  'PS', // the object itself
])

/** Administrators of a domain by the end of their SID, and services of Windows. */
const TRUSTED_SID = /^S-1-5-(?:21-(?:\d+-){3}(?:500|512|519)|80-[\d-]+)$/

const DOMAIN_USERS = 'every user of the domain'

/** The names of groups that people know; all others are shown by their SIDs. */
const GROUP_NAMES: Readonly<Record<string, string>> = {
  WD: 'Everyone',
  'S-1-1-0': 'Everyone',
  AU: 'Authenticated Users',
  'S-1-5-11': 'Authenticated Users',
  BU: 'Users',
  'S-1-5-32-545': 'Users',
  BG: 'Guests',
  'S-1-5-32-546': 'Guests',
  IU: 'every user who is logged on',
  'S-1-5-4': 'every user who is logged on',
  NU: 'every user of the network',
  'S-1-5-2': 'every user of the network',
  AN: 'Anonymous',
  'S-1-5-7': 'Anonymous',
  DU: DOMAIN_USERS,
  AC: 'all app packages',
  'S-1-15-2-1': 'all app packages',
}

const GENERIC_ALL = 0x10000000

/**
 * [MS-DTYP] 2.4.3, and [MS-FSCC] for files: what lets a user change the content, or the list, which lets the user
 * take every other right.
 */
const WRITE_MASK = 0x2 | 0x4 | 0x40 | 0x10000 | 0x40000 | 0x80000 | 0x40000000 | GENERIC_ALL

/** Which rights of other users open something: where they may not read, they may not write either. */
const ACCESS_MASKS: Readonly<Record<Access, number>> = {
  read: 0x1 | 0x80000000 | WRITE_MASK,
  write: WRITE_MASK,
}

/** [MS-DTYP] 2.5.1.1, `ace-rights`. */
const RIGHT_MASKS: Readonly<Record<string, number>> = {
  GA: GENERIC_ALL,
  GR: 0x80000000,
  GW: 0x40000000,
  GX: 0x20000000,
  FA: 0x1f01ff,
  FR: 0x120089,
  FW: 0x120116,
  FX: 0x1200a0,
  SD: 0x10000,
  RC: 0x20000,
  WD: 0x40000,
  WO: 0x80000,
  CC: 0x1,
  DC: 0x2,
  LC: 0x4,
  SW: 0x8,
  RP: 0x10,
  WP: 0x20,
  DT: 0x40,
  LO: 0x80,
  CR: 0x100,
}

/**
 * Who else has this access, for people: names or SIDs; empty where it is this user alone. Undefined where the list
 * is of a form that we do not know: then nothing can be said about it.
 */
export function othersWith(
  access: Access,
  sddl: string,
  own: string,
): readonly string[] | undefined {
  const entries = entriesOf(sddl)
  if (typeof entries !== 'object') return entries === 'open to all' ? ['Everyone'] : undefined
  const others = entries.flatMap(({ rights, who }) => {
    const grants = (maskOf(rights) & ACCESS_MASKS[access]) !== 0
    return grants && !isTrustedUser(who, own) ? [nameUser(who)] : []
  })
  return [...new Set(others)]
}

interface AccessEntry {
  readonly rights: string
  readonly who: string
}

/** `D:`, flags, entries, and what is audited, which grants nothing. */
const LIST_HEAD = /^D:(?<flags>(?:P|AR|AI|NO_ACCESS_CONTROL)*)/

/**
 * The six fields of an entry. What only its files and directories inherit (`IO`) counts as well, and so does what
 * holds under a condition, which is a seventh field: it counts as met.
 */
const ENTRY_FIELDS =
  /^(?<type>X?[AD]|O[AD]|ZA);(?:OI|CI|NP|IO|ID|SA|FA|TP|CR)*;(?<rights>[\da-z]*);[\da-f-]*;[\da-f-]*;(?<who>[A-Z]{2}|S-1-[\da-fx-]+)(?<more>;.*)?$/is

/** The entries that allow something. What others are denied does not count: it may not be all of it. */
function entriesOf(sddl: string): readonly AccessEntry[] | 'open to all' | undefined {
  // A file system without lists, or an object without one, is open to all.
  if (sddl === '') return 'open to all'
  const head = LIST_HEAD.exec(sddl)
  if (!head) return undefined
  if (head.groups?.flags?.includes('NO_ACCESS_CONTROL')) return 'open to all'
  const entries: AccessEntry[] = []
  let rest = sddl.slice(head[0].length)
  while (rest.startsWith('(')) {
    const end = endOfEntry(rest)
    const fields = end === undefined ? undefined : ENTRY_FIELDS.exec(rest.slice(1, end))?.groups
    if (end === undefined || !fields) return undefined
    const { type = '', rights = '', who = '', more } = fields
    // Only these have a condition ([MS-DTYP] 2.5.1.1).
    if (more !== undefined && !/^(?:X[AD]|ZA)$/.test(type)) return undefined
    if (!type.endsWith('D')) entries.push({ rights, who })
    rest = rest.slice(end + 1)
  }
  return rest === '' || rest.startsWith('S:') ? entries : undefined
}

/** Where the parenthesis closes that `text` begins with: a condition has some of its own, and strings. */
function endOfEntry(text: string): number | undefined {
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '"') quoted = !quoted
    else if (!quoted && char === '(') depth++
    else if (!quoted && char === ')' && --depth === 0) return at
  }
  return undefined
}

function nameUser(who: string): string {
  return GROUP_NAMES[who] ?? (/^S-1-5-21-(?:\d+-){3}513$/.test(who) ? DOMAIN_USERS : who)
}

/** The owner of what `sddl` describes; undefined where that does not say. */
export function findOwnerSid(sddl: string): string | undefined {
  return /^O:(S-[\d-]+|[A-Z]{2})/.exec(sddl.trim())?.[1]
}

export function isTrustedUser(who: string, own: string): boolean {
  return who === own || TRUSTED_USERS.has(who) || TRUSTED_SID.test(who)
}

/** A number, or names of two letters in a row; a name that we do not know may be any right. */
function maskOf(rights: string): number {
  if (/^(0x[\da-f]+|0|[1-9]\d*)$/i.test(rights)) return Number(rights)
  return (rights.match(/..?/g) ?? []).reduce(
    (mask, name) => mask | (RIGHT_MASKS[name.toUpperCase()] ?? GENERIC_ALL),
    0,
  )
}

/**
 * The list in a file that `icacls PATH /save FILE` wrote: a name and its SDDL, each in a line, in UTF-16. Empty
 * where the object has none.
 */
export function savedList(bytes: Buffer): string {
  const text = bytes.includes(0) ? bytes.toString('utf16le') : bytes.toString('utf8')
  const [, ...lines] = text.replace(/^\ufeff/, '').split(/\r?\n/)
  return lines.join('').trim()
}

/** The SID in what `whoami /user /fo csv /nh` prints. */
export function sidIn(whoami: string): string | undefined {
  return /"(S-1-[\d-]+)"\s*$/.exec(whoami.trim())?.[1]
}
