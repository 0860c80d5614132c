/** What the manager of systemd says of itself. */
import { expect, it } from 'vitest'
import { parseEnvironment, unitDirectoryIn } from '../../src/platform/posix/systemd-surroundings.ts'
import { writableLines } from '../../src/platform/posix/systemd-sandbox.ts'

it('a user writes units beside those of `systemctl --user edit`', () => {
  const said =
    '/home/ada/.settings/systemd/user.control /run/user/1000/systemd/user.control /run/user/1000/systemd/transient /home/ada/.settings/systemd/user /etc/systemd/user\n'
  expect(unitDirectoryIn(said)).toBe('/home/ada/.settings/systemd/user')
  expect(unitDirectoryIn('/run/user/1000/systemd/user.control /etc/systemd/user')).toBeUndefined()
})

it('the environment of services is read, but for values of unusual characters', () => {
  const said = "HOME=/home/ada\nXDG_CONFIG_HOME=/home/ada/a=b\nODD=$'a\\nb'\nEMPTY=\n"
  expect(parseEnvironment(said)).toEqual({
    HOME: '/home/ada',
    XDG_CONFIG_HOME: '/home/ada/a=b',
    EMPTY: '',
  })
})

it('a path in a unit may have blanks, quotes, percent and dollar signs', () => {
  expect(writableLines('/home/a b/50%/$x/state', ['/home/a b/"work"', '/home/a b/"work"'])).toBe(
    [
      'ExecStartPre=+/bin/mkdir -p -m 700 "/home/a b/50%%/$$x/state" %t/evo-token',
      'ReadWritePaths="-/home/a b/\\"work\\"" "-/home/a b/50%%/$x/state" -%t/evo-token',
    ].join('\n'),
  )
})
