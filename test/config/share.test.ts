/** `share` in the config: the database, and what this daemon is among the others. */
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'

const SHARE = {
  type: 'postgresql',
  hosts: ['db1.example.org:5432', '[::1]:5433', '/run/postgresql'],
  database: 'evo_token',
  user: 'evo_keeper',
}

function parse(share: object, vault: object = { key: 'file' }) {
  return parseConfig(JSON.stringify({ apps: {}, vault, share }), '/home/ada')
}

function faultsOf(share: object, vault?: object) {
  const parsed = parse(share, vault)
  return parsed.kind === 'bad' ? parsed.faults.map(({ path, message }) => `${path} ${message}`) : []
}

describe('share', () => {
  it('makes a keeper unless it says otherwise, with its paths resolved', () => {
    const parsed = parse({ ...SHARE, passwordFile: '~/db-password', ca: '/etc/ca.pem' })
    expect(parsed).toMatchObject({
      kind: 'ok',
      config: {
        share: {
          ...SHARE,
          role: 'keeper',
          passwordFile: '/home/ada/db-password',
          ca: '/etc/ca.pem',
        },
      },
    })
  })

  it('makes a reader with the keys that it has', () => {
    const parsed = parse({ ...SHARE, role: 'reader', readerKeys: '~/keys' }, { key: 'auto' })
    expect(parsed).toMatchObject({
      kind: 'ok',
      config: { share: { role: 'reader', readerKeys: '/home/ada/keys' } },
    })
  })

  it.each(['auto', 'keychain'])('needs a vault key that keepers can share: not %s', (key) => {
    expect(faultsOf(SHARE, { key })).toEqual([
      'vault.key must be "file" or "credential" where "share" is: each keeper has the same key, and a keychain keeps its own',
    ])
  })

  it.each([
    [{ hosts: [] }, 'share.hosts'],
    [{ hosts: ['db.example.org/x'] }, 'share.hosts[0]'],
    [{ hosts: ['user@db.example.org'] }, 'share.hosts[0]'],
    [{ hosts: ['postgresql://db.example.org'] }, 'share.hosts[0]'],
    [{ type: 'mysql' }, 'share.type'],
    [{ database: '' }, 'share.database'],
    [{ name: 'Hub One' }, 'share.name'],
    [{ role: 'writer' }, 'share.role'],
    [{ readerKeys: '/keys' }, 'share.readerKeys'],
    [{ password: 'x' }, 'share.password'],
  ])('names what is wrong in %j', (change, path) => {
    expect(faultsOf({ ...SHARE, ...change }).join('\n')).toContain(path)
  })
})
