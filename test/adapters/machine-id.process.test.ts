import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parsePlatformUuid, readMachineId } from '../../src/adapters/vault/machine-id.ts'

const ID = '3d1219c7c4c5404aaa1f6d2a48adfda4'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-m-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

const read = () => readMachineId('linux', [join(directory, 'first'), join(directory, 'second')])

describe('readMachineId', () => {
  it('takes the first file that has one', async () => {
    writeFileSync(join(directory, 'first'), `${ID}\n`)
    writeFileSync(join(directory, 'second'), `${'0'.repeat(32)}\n`)
    expect(await read()).toBe(ID)
  })

  it.each([
    { content: '', state: 'is empty, as in an image' },
    { content: 'uninitialized\n', state: 'is not set before the first boot' },
  ])('looks further where the file $state', async ({ content }) => {
    writeFileSync(join(directory, 'first'), content)
    writeFileSync(join(directory, 'second'), `${ID}\n`)
    expect(await read()).toBe(ID)
  })

  it('is null where the machine has none', async () => {
    expect(await read()).toBeNull()
  })

  it('is null where ioreg cannot be asked', async () => {
    if (process.platform !== 'darwin') expect(await readMachineId('darwin')).toBeNull()
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
