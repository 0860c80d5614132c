/** What the owner may ask and do about sharing, whatever this daemon is. */
import { SidecarError } from '../errors.ts'
import type { ShareService } from '../http/deps.ts'
import type { Parts } from './parts.ts'

export function createShareService({ broker, sharing }: Parts): ShareService {
  const keeper = () => {
    if (sharing?.role === 'keeper') return sharing
    throw sharing ? keepersOnly() : notShared()
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

function notShared(): SidecarError {
  return new SidecarError('invalid_request', 'This daemon shares nothing with other hosts.', {
    hint: 'Set "share" in the config and restart it.',
  })
}

function keepersOnly(): SidecarError {
  return new SidecarError('forbidden', 'This daemon is a reader, which has no say in this.', {
    hint: 'Do it at a keeper.',
  })
}
