import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isPrivateGroup } from '../../src/platform/posix/group.ts'

const PASSWD = 'root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n'
const GROUP = 'root:x:0:\nada:x:1000:\n'

it.each([
  ['the group of its user alone', PASSWD, GROUP, true],
  ['one that names its user', PASSWD, 'ada:x:1000:ada\n', true],
  ['one with another member', PASSWD, 'ada:x:1000:ada,bob\n', false],
  ['one that is the primary group of another user', `${PASSWD}bob:x:1001:1000:::\n`, GROUP, false],
  ['one of another name', PASSWD, 'users:x:1000:\n', false],
  ['one that the files do not know', PASSWD, 'root:x:0:\n', false],
])('tells whether a group is private: %s', (_, passwd, group, expected) => {
  const etc = mkdtempSync(join(tmpdir(), 'evo-token-etc-'))
  writeFileSync(join(etc, 'passwd'), passwd)
  writeFileSync(join(etc, 'group'), group)
  expect(isPrivateGroup(1000, 1000, etc)).toBe(expected)
  rmSync(etc, { recursive: true })
})

it("never calls root's group private", () => {
  expect(isPrivateGroup(0, 0)).toBe(false)
})
