import { expect, it } from 'vitest'
import type { App } from '../../src/core/app.ts'
import { planReload } from '../../src/core/reload-plan.ts'
import { app } from '../support/builders.ts'

const apps = (...list: App[]) => new Map(list.map((each) => [each.name, each]))

it('tells added, removed, changed and replaced apps apart', () => {
  const before = apps(
    app({ name: 'same' }),
    app({ name: 'gone' }),
    app({ name: 'more-scopes' }),
    app({ name: 'other-client' }),
  )
  const after = apps(
    app({ name: 'same' }),
    app({ name: 'more-scopes', scopes: ['evo.object'] }),
    app({ name: 'other-client', clientId: 'native-2' }),
    app({ name: 'new' }),
  )
  expect(planReload(before, after)).toEqual({
    added: ['new'],
    removed: ['gone'],
    changed: ['more-scopes', 'other-client'],
    replaced: ['other-client'],
  })
})
