/** Keeps token files out of the daemon's own files: one of them, replaced by a token, would cost every session. */
import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { locations } from '../../platform/chosen.ts'

export interface OwnPlaces {
  readonly stateDir: string
  /** Undefined where the config comes from no file. */
  readonly config: string | undefined
}

/** @throws {SidecarError} `failed` where `path`, without links in it, is one of these places. */
export async function refuseOwnPlaces(
  path: string,
  { stateDir, config }: OwnPlaces,
): Promise<void> {
  const key = locations.pathKey(path)
  if (config !== undefined && key === (await keyOf(config))) {
    throw refusal(`${path} is the config of evo-token.`)
  }
  if (key.startsWith(join(await keyOf(stateDir), sep))) {
    throw refusal(
      `${path} is in the state directory of evo-token, whose files only the daemon writes.`,
    )
  }
}

/** A place that does not exist is compared by its name. */
async function keyOf(path: string): Promise<string> {
  return locations.pathKey(await realpath(path).catch(() => path))
}

function refusal(message: string): SidecarError {
  return new SidecarError('failed', message, {
    hint: 'Name another path in "files" of the config.',
  })
}
