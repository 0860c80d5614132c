import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  readMachineId,
  parsePlatformUuid,
  readPlatformUuid,
} from '../../src/platform/posix/machine-id.ts'

const ID = '3d1219c7c4c5404aaa1f6d2a48adfda4'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-m-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

const read = () => readMachineId([join(directory, 'first'), join(directory, 'second')])

describe('the id of this machine', () => {
  it('takes the first file that has one', () => {
    writeFileSync(join(directory, 'first'), `${ID}\n`)
    writeFileSync(join(directory, 'second'), `${'0'.repeat(32)}\n`)
    expect(read()).toBe(ID)
  })

  it.each([
    { content: '', state: 'is empty, as in an image' },
    { content: 'uninitialized\n', state: 'is not set before the first boot' },
  ])('looks further where the file $state', ({ content }) => {
    writeFileSync(join(directory, 'first'), content)
    writeFileSync(join(directory, 'second'), `${ID}\n`)
    expect(read()).toBe(ID)
  })

  it('is null where the machine has none', () => {
    expect(read()).toBeNull()
  })

  it('is null where ioreg cannot be asked', async () => {
    if (process.platform !== 'darwin') expect(await readPlatformUuid()).toBeNull()
  })
})

describe('parsePlatformUuid', () => {
  it('finds the UUID among what ioreg prints', () => {
    const printed = `+-o J314sAP  <class IOPlatformExpertDevice, id 0x100000227>
    {
      "manufacturer" = <"Apple Inc.">
      "IOPlatformUUID" = "0A1B2C3D-4E5F-6789-ABCD-EF0123456789"
      "IOPlatformSerialNumber" = "C02XXXXXXXXX"
    }`
    expect(parsePlatformUuid(printed)).toBe('0A1B2C3D-4E5F-6789-ABCD-EF0123456789')
  })

  it('is null where there is none', () => {
    expect(parsePlatformUuid('{}')).toBeNull()
  })
})
