import { describe, expect, it } from 'vitest'
import {
  isTrustedUser,
  othersWith,
  findOwnerSid,
  savedList,
  sidIn,
} from '../../../src/platform/windows/access-list.ts'

const OWN = 'S-1-5-21-3623811015-3361044348-30300820-1013'
const OTHER = 'S-1-5-21-3623811015-3361044348-30300820-1014'

/**
 * As `icacls PATH /save FILE` writes it: the name of the file, and SDDL, in UTF-16 without a mark. SDDL has SIDs and
 * fixed letters where what `icacls` prints has names, so that a German Windows (“Jeder”, “Benutzer”) writes what an
 * English one does (“Everyone”, “Users”): only the first line differs.
 */
function saved(name: string, sddl: string): Buffer {
  return Buffer.from(`${name}\r\n${sddl}\r\n`, 'utf16le')
}

const INHERITED = `D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;${OWN})`

/** Windows 11 gives it to a capability of apps, which may look up names there and no more. */
const PASSING_APP =
  '(A;;0x100020;;;S-1-15-3-65536-3852923496-3228631905-2361761901-1328441031-2492177081-392074989-583479735-4232454157)'

describe('the access list of a directory', () => {
  it.each([
    ['of an English profile', saved('evo-token', INHERITED)],
    ['of a German profile', saved('Schlüssel für Müller', INHERITED)],
    ['of a French one', saved('données de Zoé', INHERITED)],
    ['of a Japanese one', saved('表示トークン', INHERITED)],
    ['of a Russian one, with a mark', Buffer.from(`\ufeffданные\r\n${INHERITED}\r\n`, 'utf16le')],
    ['at a long path', saved('ein sehr langer Ordnername'.repeat(9), INHERITED)],
    ['on a share, of a machine in a domain', saved('evo token', `${INHERITED}(A;OICIID;FA;;;DA)`)],
    ['of a drive, which has no name', saved('', INHERITED)],
    [
      'of a profile of Windows 11, which an app may pass through',
      saved('ada', `D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;${OWN})${PASSING_APP}`),
    ],
    [
      'of the local Administrator',
      saved('x', 'D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;LA)'),
    ],
    ['that lets no one in', saved('x', 'D:P')],
    [
      'with rights for those who create files',
      saved('evo-token', `${INHERITED}(A;OICIIOID;GA;;;CO)`),
    ],
    [
      'closed by hand',
      saved(
        'evo-token',
        `D:PAI(A;OICI;FA;;;${OWN})(A;OICI;FA;;;S-1-5-18)(A;OICI;FA;;;S-1-5-32-544)`,
      ),
    ],
    ['with an audit of all', saved('x', `${INHERITED}S:AI(AU;SAFA;FA;;;WD)`)],
    [
      'that denies under a condition, with marks in a string',
      saved('x', `D:(XD;;FA;;;WD;(@User.Title=="a)(b"))(A;;FA;;;${OWN})`),
    ],
    [
      'that denies an object',
      saved('x', `D:(OD;;CR;00299570-246d-11d0-a768-00aa006e0529;;WD)(A;;FA;;;${OWN})`),
    ],
    ['with a service of Windows', saved('x', `${INHERITED}(A;;FA;;;S-1-5-80-956008885-341)`)],
    ['with an administrator of the domain', saved('x', `${INHERITED}(A;;FA;;;S-1-5-21-1-2-3-512)`)],
    ['that denies', saved('x', `D:(D;OICI;FA;;;WD)(A;OICI;FA;;;${OWN})`)],
    ['that denies an account', saved('x', `D:AI(D;OICI;FR;;;${OTHER})(A;OICIID;FA;;;${OWN})`)],
    ['that denies by what it inherits', saved('x', `D:AI(D;OICIID;FR;;;BU)(A;OICIID;FA;;;${OWN})`)],
    ['of protected and inherited flags', saved('x', `D:PARAI(A;OICINPIOID;FA;;;${OWN})`)],
    ['that lets others see its attributes only', saved('x', `${INHERITED}(A;;0x100080;;;BU)`)],
  ])('is this user’s alone: %s', (_what, bytes) => {
    expect(othersWith('read', savedList(bytes), OWN)).toEqual([])
  })

  it.each([
    ['Everyone', 'D:(A;OICI;FA;;;WD)'],
    ['Everyone', 'D:(A;OICI;0x1200a9;;;S-1-1-0)'],
    ['Everyone', 'D:NO_ACCESS_CONTROL'],
    ['Everyone', ''],
    ['Authenticated Users', 'D:AI(A;OICIIOID;SDGXGWGR;;;AU)'],
    ['Authenticated Users', 'D:AI(A;ID;0x1301bf;;;AU)(A;OICIID;FA;;;SY)'],
    ['Users', 'D:AI(A;OICIID;0x1200a9;;;BU)'],
    ['Users', 'D:AI(A;OICI;FR;;;S-1-5-32-545)'],
    ['every user who is logged on', 'D:(A;;FR;;;IU)'],
    [OTHER, `D:AI(A;OICIID;FA;;;${OWN})(A;OICI;FR;;;${OTHER})`],
    // An account that is gone, of which no name is known; it may come back.
    ['S-1-5-21-9-9-9-1001', `D:AI(A;OICIID;FA;;;${OWN})(A;OICIID;FR;;;S-1-5-21-9-9-9-1001)`],
    // One of Entra ID.
    ['S-1-12-1-1-2-3-4', `D:AI(A;OICIID;FA;;;${OWN})(A;OICIID;FR;;;S-1-12-1-1-2-3-4)`],
    ['every user who is logged on', 'D:AI(A;OICIID;FR;;;S-1-5-4)'],
    // Not this user's, though its SID begins so.
    [`${OWN}0`, `D:AI(A;;FR;;;${OWN}0)`],
    // What denies one account does not take from what lets it in by a group.
    ['Users', `D:AI(D;OICI;FA;;;${OTHER})(A;OICIID;FR;;;BU)`],
    ['all app packages', 'D:(A;;FR;;;AC)'],
    // What Windows gives ProgramData, and what is made in it.
    [
      'Users',
      'D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)',
    ],
    // A condition has parentheses, and what comes after it counts as well.
    ['Everyone', `D:(XA;;FA;;;${OWN};((@User.Title=="PM")&&(@User.Age>3)))(A;;FR;;;WD)`],
    ['Users', 'D:AI(XA;;FR;;;BU;(Member_of {SID(BA)}))S:AI(AU;SAFA;FA;;;WD)'],
    ['Users', 'D:AI(A;;ZZ;;;BU)'],
    ['Users', 'D:AI(A;;0777;;;BU)'],
    // Who may change the list gives itself the rest, and who may write puts files of its own there.
    ['Users', 'D:AI(A;;WD;;;BU)'],
    ['Users', 'D:AI(A;CI;DC;;;BU)'],
    // The drive D: of a new Windows, and what is made on it.
    [
      'Authenticated Users',
      'D:PAI(A;;LC;;;AU)(A;OICIIO;SDGXGWGR;;;AU)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)',
    ],
    ['Anonymous', 'D:(A;;FR;;;S-1-5-7)'],
    ['every user of the network', 'D:(A;;FR;;;NU)'],
    ['every user of the domain', 'D:(A;;FR;;;S-1-5-21-1-2-3-513)'],
    ['Guests', 'D:(A;;FR;;;BG)'],
    ['Everyone', 'D:(OA;;FR;00299570-246d-11d0-a768-00aa006e0529;;WD)'],
    ['Everyone', 'D:(XA;;FR;;;WD;(@User.Title=="a)(b"))'],
    ['Everyone', 'D:(ZA;;FR;;;WD;(Member_of {SID(BA)}))'],
    // What is denied to some does not take from all what is allowed to all.
    ['Everyone', 'D:(D;;FA;;;BG)(A;;FR;;;WD)'],
    ['S-1-0x500000000000-7', 'D:(A;;FR;;;S-1-0x500000000000-7)'],
  ])('is open to %s: %s', (who, sddl) => {
    expect(othersWith('read', sddl, OWN)).toEqual([who])
  })

  it.each([
    'PAI(A;;FA;;;WD)',
    'D:(A;;FR;;;WD',
    'D:(A;;FR;;;Jeder)',
    'D:(A;;FR;;;)',
    'D:(A;;FR;;)',
    'D:(Q;;FR;;;WD)',
    'D:(A;QQ;FR;;;SY)',
    'D:(A;;FR;;;SY;(@User.Age>3))',
    'D:(A;;FR;;;SY)(A;;FR;;;SY',
    'D:(A;;FR;;;SY)x',
    'D:XY(A;;FR;;;SY)',
    'D:(XA;;FR;;;SY;(@User.Title=="a))',
    'Zugriff verweigert',
  ])('is not understood, which is no leave to go on: %s', (sddl) => {
    expect(othersWith('read', sddl, OWN)).toBeUndefined()
  })

  it('is open to Everyone where icacls writes the name and no list', () => {
    expect(othersWith('read', savedList(Buffer.from('x\r\n', 'utf16le')), OWN)).toEqual([
      'Everyone',
    ])
  })

  it('tells who may write from who may read', () => {
    const readable = `${INHERITED}(A;ID;0x1200a9;;;BU)`
    expect(othersWith('write', readable, OWN)).toEqual([])
    expect(othersWith('write', `${INHERITED}(A;ID;0x1301bf;;;AU)`, OWN)).toEqual([
      'Authenticated Users',
    ])
    // Who may change the list may give itself the rest.
    expect(othersWith('write', `${INHERITED}(A;;WD;;;BU)`, OWN)).toEqual(['Users'])
  })
})

describe('this user', () => {
  it.each([
    ['English', `"desktop-4f2c\\ada","${OWN}"\r\n`],
    ['German', `"nt-autorität\\ada","${OWN}"\r\n`],
    ['French', `"bureau\\andré","${OWN}"\r\n`],
    ['Japanese, in its code page', `"pc\\\ufffd\\\ufffdc","${OWN}"\r\n`],
    ['with a quote in its name', `"d\\o""hara","${OWN}"\r\n`],
  ])('is read from whoami, %s', (_language, said) => {
    expect(sidIn(said)).toBe(OWN)
  })

  it('may be of Entra ID', () => {
    expect(sidIn('"azuread\\adalovelace","S-1-12-1-1-2-3-4"\r\n')).toBe('S-1-12-1-1-2-3-4')
  })

  it('is not told from what else a program says', () => {
    expect(sidIn('FEHLER: Zugriff verweigert')).toBeUndefined()
  })

  it('owns what SDDL says that it owns', () => {
    expect(findOwnerSid(`O:${OWN}G:DUD:AI(A;;FA;;;SY)`)).toBe(OWN)
    expect(findOwnerSid('O:BAG:DUD:AI(A;;FA;;;SY)\r\n')).toBe('BA')
    expect(isTrustedUser('BA', OWN)).toBe(true)
    expect(isTrustedUser(OTHER, OWN)).toBe(false)
  })
})
