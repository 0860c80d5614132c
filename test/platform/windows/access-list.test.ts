import { describe, expect, it } from 'vitest'
import {
  isTrusted,
  othersWith,
  ownerIn,
  savedList,
  sidIn,
} from '../../../src/platform/windows/access-list.ts'

const OWN = 'S-1-5-21-3623811015-3361044348-30300820-1013'
const OTHER = 'S-1-5-21-3623811015-3361044348-30300820-1014'

/** As `icacls PATH /save FILE` writes it: the same in each language, but for the name. */
function saved(name: string, sddl: string): Buffer {
  return Buffer.from(`${name}\r\n${sddl}\r\n`, 'utf16le')
}

const INHERITED = `D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;${OWN})`

describe('the access list of a directory', () => {
  it.each([
    ['of a profile in English', saved('evo-token', INHERITED)],
    ['of a profile in German', saved('Schlüssel für Müller', INHERITED)],
    [
      'with rights for whoever creates files',
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
    ['with a service of Windows', saved('x', `${INHERITED}(A;;FA;;;S-1-5-80-956008885-341)`)],
    ['with an administrator of the domain', saved('x', `${INHERITED}(A;;FA;;;S-1-5-21-1-2-3-512)`)],
    ['that denies', saved('x', `D:(D;OICI;FA;;;WD)(A;OICI;FA;;;${OWN})`)],
    ['that lets others see its attributes only', saved('x', `${INHERITED}(A;;0x100080;;;BU)`)],
  ])('is this user’s alone: %s', (_what, bytes) => {
    expect(othersWith('read', savedList(bytes) ?? '', OWN)).toEqual([])
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
  ])('is open to %s: %s', (who, sddl) => {
    expect(othersWith('read', sddl, OWN)).toEqual([who])
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
    ['with a quote in its name', `"d\\o""hara","${OWN}"\r\n`],
  ])('is read from whoami, %s', (_language, said) => {
    expect(sidIn(said)).toBe(OWN)
  })

  it('is not told from what else a program says', () => {
    expect(sidIn('FEHLER: Zugriff verweigert')).toBeUndefined()
  })

  it('owns what SDDL says that it owns', () => {
    expect(ownerIn(`O:${OWN}G:DUD:AI(A;;FA;;;SY)`)).toBe(OWN)
    expect(ownerIn('O:BAG:DUD:AI(A;;FA;;;SY)\r\n')).toBe('BA')
    expect(isTrusted('BA', OWN)).toBe(true)
    expect(isTrusted(OTHER, OWN)).toBe(false)
  })
})
