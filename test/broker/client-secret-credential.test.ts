import { expect, it } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { app, MINUTE } from '../support/builders.ts'
import { createWorld, granted, INVALID_CLIENT, unavailable } from '../support/broker-world.ts'

const PIPELINE = 'evo-pipeline'

/** A broker whose only app is a service app that systemd hands `value` over for. */
async function handedOver(value: string) {
  const service = app({
    name: PIPELINE,
    type: 'service',
    tokenEndpointAuthMethod: 'client_secret_post',
    redirectUris: [],
  })
  const world = createWorld({ apps: [service] })
  const hand = async (next: string) => {
    world.credentials.set(PIPELINE, new Secret(next))
    await world.broker.reload(world.registrationsOf([service]))
  }
  await world.broker.open()
  await hand(value)
  return { ...world, hand }
}

it('signs in with a client secret that systemd hands over, and does not copy it', async () => {
  const { answers, beat, records, requests } = await handedOver('from-systemd')
  answers.push(granted())
  await beat()
  expect(requests).toEqual(['issue from-systemd'])
  expect(records.get(PIPELINE)?.tokens).toBeDefined()
  expect(records.get(PIPELINE)?.clientSecret).toBeUndefined()
})

it('tries what the owner stored first, and what was handed over when that is refused', async () => {
  const { answers, beat, broker, pass, records, requests } = await handedOver('from-systemd')
  answers.push(unavailable())
  await broker.putClientSecret(PIPELINE, new Secret('typo'))
  answers.push(INVALID_CLIENT, granted())
  pass(10 * MINUTE)
  await beat()
  expect(requests.slice(-2)).toEqual(['issue typo', 'issue from-systemd'])
  expect(records.get(PIPELINE)?.clientSecret).toBeUndefined()
  expect(records.get(PIPELINE)?.nextClientSecret).toBeUndefined()
})

it('does not try one that is not of the kind that the app shows', async () => {
  const { answers, beat, broker, pass, requests, unfit } = await handedOver('from-systemd')
  unfit.add('from-systemd')
  await beat()
  expect(requests).toEqual([])
  expect(broker.status(PIPELINE)).toMatchObject({
    session: 'misconfigured',
    lastError: { code: 'client_secret_missing' },
  })
  answers.push(unavailable())
  await broker.putClientSecret(PIPELINE, new Secret('typo'))
  answers.push(INVALID_CLIENT)
  pass(10 * MINUTE)
  await beat()
  expect(requests).toEqual(['issue typo', 'issue typo'])
  expect(broker.status(PIPELINE)).toMatchObject({ lastError: { code: 'invalid_client' } })
})

it('stores none that is not of that kind, with the reason', async () => {
  const { broker, records, requests, unfit } = await handedOver('from-systemd')
  unfit.add('a key')
  await expect(broker.putClientSecret(PIPELINE, new Secret('a key'))).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'That is no private key.',
  })
  await expect(broker.putClientSecret(PIPELINE, new Secret('key'), true)).rejects.toMatchObject({
    code: 'invalid_request',
    hint: expect.stringContaining('"private_key_jwt"') as string,
  })
  expect(requests).toEqual([])
  expect(records.get(PIPELINE)?.nextClientSecret).toBeUndefined()
})

it('takes another one over at a reload, and asks at once with it', async () => {
  const { answers, beat, hand, requests } = await handedOver('old')
  answers.push(INVALID_CLIENT)
  await beat()
  await hand('new')
  answers.push(granted())
  await beat()
  expect(requests).toEqual(['issue old', 'issue new'])
})
