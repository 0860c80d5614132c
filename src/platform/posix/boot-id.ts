/** Which start of the machine this is (random(4)). */
import { readFile } from 'node:fs/promises'

const PATH = '/proc/sys/kernel/random/boot_id'

/** Empty where it cannot be read. */
export async function readBootId(): Promise<string> {
  try {
    return (await readFile(PATH, 'utf8')).trim()
  } catch {
    return ''
  }
}
