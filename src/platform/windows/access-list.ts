/**
 * Who besides this user may read a file or directory, or write to it, by its access list. The list comes as
 * SDDL (Security Descriptor Definition Language, [MS-DTYP] 2.5.1), which names users by their SIDs: what
 * `icacls` prints otherwise has the names of Windows' own language.
 */

export type Access = 'read' | 'write'

/** Who may do everything on this machine anyway, and names that stand for the owner. */
const TRUSTED = new Set([
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

/** The names of the groups that a person knows; all others are told by their SIDs. */
const IN_WORDS: Readonly<Record<string, string>> = {
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
  AN: 'Anonymous',
  DU: 'every user of the domain',
  AC: 'all app packages',
}

const GENERIC_ALL = 0x10000000

/** [MS-DTYP] 2.4.3, and [MS-FSCC] for files: what lets a user see the content, or change it or the list. */
const MASK: Readonly<Record<Access, number>> = {
  read: 0x1 | 0x80000000 | GENERIC_ALL,
  write: 0x2 | 0x4 | 0x40 | 0x10000 | 0x40000 | 0x80000 | 0x40000000 | GENERIC_ALL,
}

/** [MS-DTYP] 2.5.1.1, `ace-rights`. */
const RIGHTS: Readonly<Record<string, number>> = {
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

/** Who else has this access, for people: names or SIDs; empty where it is this user alone. */
export function othersWith(access: Access, sddl: string, own: string): readonly string[] {
  const list = /D:([A-Z_]*)(.*?)(?:\)S:|$)/s.exec(sddl)
  // A file system without lists, or an object without one, is open to all.
  if (!list || list[1]?.includes('NO_ACCESS_CONTROL')) return ['Everyone']
  // An entry may go on with a condition, which has parentheses of its own: it counts as met.
  const entries = (list[2] ?? '').matchAll(/\(([A-Z]+);[^;]*;([^;]*);[^;]*;[^;]*;([^;)]+)/g)
  const others = [...entries].flatMap(([, type = '', rights = '', who = '']) => {
    // What only its files and directories inherit counts too.
    const grants = /^(A|XA|OA)$/.test(type) && (maskOf(rights) & MASK[access]) !== 0
    return grants && !isTrusted(who, own) ? [IN_WORDS[who] ?? who] : []
  })
  return [...new Set(others)]
}

/** The owner of what `sddl` describes; undefined where that does not say. */
export function ownerIn(sddl: string): string | undefined {
  return /^O:(S-[\d-]+|[A-Z]{2})/.exec(sddl.trim())?.[1]
}

export function isTrusted(who: string, own: string): boolean {
  return who === own || TRUSTED.has(who) || TRUSTED_SID.test(who)
}

/** A number, or names of two letters in a row; a name that we do not know may be any right. */
function maskOf(rights: string): number {
  if (/^(0x[\da-f]+|\d+)$/i.test(rights)) return Number(rights)
  return (rights.match(/../g) ?? []).reduce((mask, name) => mask | (RIGHTS[name] ?? GENERIC_ALL), 0)
}

/** The list in a file that `icacls PATH /save FILE` wrote: a name and its SDDL, in UTF-16. */
export function savedList(bytes: Buffer): string | undefined {
  const text = bytes.includes(0) ? bytes.toString('utf16le') : bytes.toString('utf8')
  return text.split(/\r?\n/).find((line) => line.startsWith('D:'))
}

/** The SID in what `whoami /user /fo csv /nh` prints. */
export function sidIn(whoami: string): string | undefined {
  return /"(S-1-[\d-]+)"\s*$/.exec(whoami.trim())?.[1]
}
