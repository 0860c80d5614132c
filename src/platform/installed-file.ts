/** Reads a file of a service as it is now. */
import { lstatSync, readFileSync } from 'node:fs'
import type { InstalledFile } from './service-manager.ts'

/** @param isAsWritten whether a text is unchanged since `service install` wrote it. */
export function readInstalled(
  path: string,
  isAsWritten: (text: string) => boolean,
  encoding: 'utf8' | 'utf16le' = 'utf8',
): InstalledFile {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return { path, text: undefined, changedByHand: false }
  // A person made the link, or systemd did (`systemctl mask`).
  if (!stats.isFile()) return { path, text: '', changedByHand: true }
  const text = readFileSync(path, encoding).replace(/^\ufeff/, '')
  return { path, text, changedByHand: !isAsWritten(text) }
}
