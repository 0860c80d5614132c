import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCertificates } from '../../src/adapters/server/certificate-authorities.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-ca-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

describe('a file of certificate authorities', () => {
  it.each([
    ['a named pipe', (path: string) => execFileSync('mkfifo', [path]), 'is no regular file'],
    [
      'a sparse file of 2 GB',
      (path: string) => {
        writeFileSync(path, '')
        truncateSync(path, 2_000_000_000)
      },
      'is longer than 1 MiB',
    ],
    [
      'a million beginnings without an end',
      (path: string) => {
        writeFileSync(path, '-----BEGIN CERTIFICATE-----'.repeat(38_000))
      },
      'holds no PEM certificate',
    ],
  ])('that is %s is refused at once', (_, make, said) => {
    const path = join(directory, 'ca.pem')
    make(path)
    expect(() => readCertificates(path, '"ca"')).toThrow(said)
  })

  it('that is an endless device is refused at once', () => {
    expect(() => readCertificates('/dev/zero', '"ca"')).toThrow('is no regular file')
  })
})
