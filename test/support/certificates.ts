/** A certificate authority that no program trusts yet, and certificates made by it. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

export interface Certificates {
  /** The path of the authority's certificate. */
  readonly ca: string
  readonly key: string
  readonly cert: string
}

/**
 * Writes into `directory`, which has to exist; needs the openssl command.
 *
 * @param subjects host names, addresses, or names of clients: a certificate for each.
 */
export function createCertificates<const Subjects extends readonly string[]>(
  directory: string,
  ...subjects: Subjects
): { readonly [At in keyof Subjects]: Certificates } {
  const at = (name: string) => join(directory, name)
  openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=Company CA'],
    ...['-keyout', at('ca.key'), '-out', at('ca.pem')],
  )
  const certificates = subjects.map((subject, serial) => sign(directory, subject, serial + 1, 2))
  return certificates as { [At in keyof Subjects]: Certificates }
}

/** One more of the authority in `directory`, which ended the moment it began. */
export function createEndedCertificate(directory: string, subject: string): Certificates {
  return sign(directory, subject, 1_000, 0)
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: 'pipe' })
}

function sign(directory: string, subject: string, serial: number, days: number): Certificates {
  const at = (name: string) => join(directory, name)
  const file = (ending: string) => at(`${subject}.${ending}`)
  openssl(
    ...['req', '-new', ...newKey, '-subj', `/CN=${subject}`],
    ...['-keyout', file('key'), '-out', file('csr')],
  )
  const kind = isIP(subject) === 0 ? 'DNS' : 'IP'
  writeFileSync(file('extensions'), `subjectAltName=${kind}:${subject}\n`)
  openssl(
    ...['x509', '-req', '-days', String(days), '-in', file('csr'), '-extfile', file('extensions')],
    ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-set_serial', String(serial)],
    ...['-out', file('pem')],
  )
  const [key, cert] = [readFileSync(file('key'), 'utf8'), readFileSync(file('pem'), 'utf8')]
  return { ca: at('ca.pem'), key, cert }
}
