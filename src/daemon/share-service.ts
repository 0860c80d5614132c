/** The owner's commands about sharing, for a keeper, a reader or a daemon that shares nothing. */
import { keepersOnly } from '../broker/reader-broker.ts'
import { SidecarError } from '../errors.ts'
import type { ShareService } from '../http/deps.ts'
import type { Parts } from './parts.ts'

export function createShareService({ broker, sharing }: Parts): ShareService {
  const keeper = () => {
    if (sharing?.role === 'keeper') return sharing
    throw sharing ? keepersOnly() : sharesNothing()
  }
  return {
    status: () => sharing?.describe() ?? { shared: false },
    async move(app) {
      await keeper().commands.move(app)
    },
    takeOver: (name, force) => keeper().commands.takeOver(name, force),
    leave: () => broker.leaveSharing(),
    async readerKeys(apps, renew) {
      const { sharing: shared } = keeper()
      const copies = shared.keeper.copies()
      if (!copies) throw new SidecarError('vault_locked', 'The vault is locked.')
      // No key is renewed unless all can be: readers would not get the new ones otherwise.
      for (const app of renew ? apps : []) {
        await shared.shared(app).readerKeyNumber(false)
        const refusal = await shared.shared(app).refuseChange()
        if (refusal) throw refusal
      }
      const found = await Promise.all(
        apps.map(async (app) => ({
          app,
          number: await shared.shared(app).readerKeyNumber(renew),
        })),
      )
      return found.flatMap(({ app, number }) =>
        copies.readerKeys(app, number).map((key) => ({ app, number, key })),
      )
    },
  }
}

function sharesNothing(): SidecarError {
  return new SidecarError('invalid_request', 'This daemon shares nothing with other hosts.', {
    hint: 'Set "share" in the config and restart it.',
  })
}
