/** The certificate authorities to trust: Node's own, and those in the files that "ca" and the environment name. */
import { X509Certificate } from 'node:crypto'
import * as tls from 'node:tls'
import { decodeText } from '../../core/file-text.ts'
import { SidecarError } from '../../errors.ts'
import { readSmallFile } from '../files/small-file.ts'

/** The public certificate authorities in one file take a quarter of it. */
const AUTHORITIES_MAX_BYTES = 1024 * 1024

const CERTIFICATE_BEGIN = '-----BEGIN CERTIFICATE-----'
const CERTIFICATE_END = '-----END CERTIFICATE-----'

/** Node 22.15 and newer have it; the types are those of the oldest Node that we run on. */
const { getCACertificates } = tls as typeof tls & {
  readonly getCACertificates?: (type: 'default') => string[]
}

/**
 * What this process trusts, and the certificates in the file `ca` with it.
 *
 * @throws {SidecarError} `config` where a file cannot be used.
 */
export function trustedCertificates(ca: string, env: NodeJS.ProcessEnv): string[] {
  return [...trustedByProcess(env), ...readCertificates(ca, '"ca"')]
}

/** A list of our own replaces Node's, so it has to include what NODE_USE_SYSTEM_CA and NODE_EXTRA_CA_CERTS add. */
function trustedByProcess(env: NodeJS.ProcessEnv): readonly string[] {
  const extra = env.NODE_EXTRA_CA_CERTS
  return [
    ...(getCACertificates ? getCACertificates('default') : tls.rootCertificates),
    // Node has it already, as a rule; one that stands twice does no harm.
    ...(extra ? readCertificates(extra, '$NODE_EXTRA_CA_CERTS') : []),
  ]
}

/**
 * The certificates in a PEM file that `named` names.
 *
 * @throws {SidecarError} `config` where it cannot be read, or holds none that can be used.
 */
export function readCertificates(path: string, named: string): string[] {
  const read = readSmallFile(path, AUTHORITIES_MAX_BYTES)
  if (read.kind === 'bad') {
    throw new SidecarError('config', `${path}, which ${named} names, ${read.reason}.`)
  }
  const found = blocksIn(decodeText(read.bytes))
  if (found.length === 0) {
    throw new SidecarError('config', `${path}, which ${named} names, holds no PEM certificate.`)
  }
  for (const [index, pem] of found.entries()) {
    try {
      new X509Certificate(pem)
    } catch (cause) {
      const message = `Certificate ${index + 1} in ${path}, which ${named} names, cannot be read.`
      throw new SidecarError('config', message, { cause })
    }
  }
  return found
}

/** Without a regular expression: one that looks for the end of each beginning takes minutes where there is none. */
function blocksIn(text: string): string[] {
  const blocks: string[] = []
  for (let at = 0; ;) {
    const begin = text.indexOf(CERTIFICATE_BEGIN, at)
    const end = begin < 0 ? -1 : text.indexOf(CERTIFICATE_END, begin)
    if (end < 0) return blocks
    at = end + CERTIFICATE_END.length
    blocks.push(text.slice(begin, at))
  }
}
