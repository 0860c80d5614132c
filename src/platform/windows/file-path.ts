/** Which paths name a file on Windows, and which of them the same one. */
import { win32 } from 'node:path'

/** Begins with a drive, a volume or another machine: `\tools` and `C:tools` depend on the current directory. */
const ROOTED_PATH =
  /^(?:(?:[\\/]{2}\?[\\/])?[a-z]:[\\/]|\\\\\?\\UNC\\[^\\/]+\\[^\\/]+\\|\\\\\?\\Volume\{[\da-f-]+\}\\|[\\/]{2}[^\\/?.][^\\/]*[\\/]+[^\\/]+[\\/])/i

/** Devices, with an ending or without; what no name may have in it (a colon names a stream); what programs leave off. */
const UNUSABLE_NAME =
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³]) *(?:\.|$)|[\x00-\x1f<>:"|?*]|[ .]$/i

/** Programs take other names for a device, for a hidden part of another file, or for a file of another name. */
export function mayBeFile(path: string): boolean {
  const root = ROOTED_PATH.exec(path)?.[0]
  if (root === undefined) return false
  const names = path.slice(root.length).split(/[\\/]+/)
  return names.every((name) => name === '.' || name === '..' || !UNUSABLE_NAME.test(name))
}

/** Windows takes small letters and capital ones of a path for the same, `/` for `\`, and both forms of a root. */
export function pathKey(path: string): string {
  const plain = win32.normalize(path).replace(/^\\\\\?\\(UNC\\)?/i, (_, unc) => (unc ? '\\\\' : ''))
  return plain.toLowerCase()
}
