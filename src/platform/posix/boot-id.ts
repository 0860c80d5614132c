/** Which start of the machine this is (random(4)). */
import { readFile } from 'node:fs/promises'

const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id'

/** Empty where it cannot be read. */
export async function readBootId(): Promise<string> {
  try {
    return (await readFile(BOOT_ID_PATH, 'utf8')).trim()
  } catch {
    return ''
  }
}
