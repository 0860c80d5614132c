/** Which secrets of /etc/evo-token a machine's service is handed. */
import { expect, it } from 'vitest'
import { credentialLines } from '../../src/platform/posix/systemd-credentials.ts'
import { app } from '../support/builders.ts'

const apps = [
  app({ name: 'pipeline', type: 'service', tokenEndpointAuthMethod: 'client_secret_post' }),
  app({ name: 'site', type: 'web', tokenEndpointAuthMethod: 'client_secret_post' }),
  app({ name: 'robot', type: 'service', tokenEndpointAuthMethod: 'private_key_jwt' }),
  app({ name: 'me', type: 'native', tokenEndpointAuthMethod: 'none' }),
]

it.each([
  ['nothing', false, [], []],
  ['the key, which is made', true, [], ['LoadCredential=vault-key:/etc/evo-token/vault-key']],
  [
    'an encrypted key',
    true,
    ['vault-key.cred'],
    ['LoadCredentialEncrypted=vault-key:/etc/evo-token/vault-key.cred'],
  ],
  [
    'secrets of apps that show one',
    false,
    [
      'pipeline.client-secret',
      'site.client-secret.cred',
      'robot.client-secret',
      'me.client-secret',
    ],
    [
      'LoadCredential=pipeline.client-secret:/etc/evo-token/pipeline.client-secret',
      'LoadCredentialEncrypted=site.client-secret:/etc/evo-token/site.client-secret.cred',
      'LoadCredential=robot.client-secret:/etc/evo-token/robot.client-secret',
    ],
  ],
])('%s', (_, keyIsCredential, files, lines) => {
  const there = new Set(files.map((name) => `/etc/evo-token/${name}`))
  expect(credentialLines(apps, keyIsCredential, (path) => there.has(path))).toEqual(lines)
})
