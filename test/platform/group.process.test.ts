import { expect, it } from 'vitest'
import { requireGroup } from '../../src/platform/posix/group.ts'

it.each([
  ['getent', { PATH: process.env.PATH }],
  ['/etc/group, where there is no getent', { PATH: '/nonexistent' }],
])('asks %s', async (_whom, env) => {
  // Every system has a group of this name, and no system one of the other.
  await requireGroup('daemon', env)
  for (const name of ['nobodies-group', '--help', '']) {
    await expect(requireGroup(name, env), name).rejects.toThrow(`no group "${name}"`)
  }
})
