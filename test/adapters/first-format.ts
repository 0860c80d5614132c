/** A vault as its first format was, and what its header says of the format. */
import { readFileSync, writeFileSync } from 'node:fs'
import { identityOf } from '../../src/core/app.ts'
import { app, MINUTE, NOW } from '../support/builders.ts'
import { vaultWorld, type VaultWorld } from '../support/vault-world.ts'

const APP = app().name

export const formatOf = (world: VaultWorld) =>
  (JSON.parse(readFileSync(world.path('vault.json'), 'utf8')) as { format: unknown }).format

export function changeHeader(world: VaultWorld, change: object): void {
  const header = JSON.parse(readFileSync(world.path('vault.json'), 'utf8')) as object
  writeFileSync(world.path('vault.json'), JSON.stringify({ ...header, ...change }))
}

/** A vault as format 1 was, with the record of one app whose token becomes stale after 50 minutes. */
export async function firstFormat(stateDir?: string): Promise<VaultWorld> {
  const world = vaultWorld(stateDir)
  await world.vault()
  changeHeader(world, { format: 1 })
  const content = {
    generation: 1,
    identity: identityOf(app()),
    tokens: {
      accessToken: 'at-1',
      refreshToken: 'rt-1',
      receivedAt: NOW.wall,
      lifetimeMs: 60 * MINUTE,
      refreshAfterMs: 50 * MINUTE,
    },
    askedScope: 'a b',
  }
  await world.plant(`${APP}.jwe`, content)
  return world
}
