/**
 * Decodes a body by what it is, not by what its header says: we ask for no compression, and a proxy may
 * compress all the same, or decode a body and leave the header.
 */
import { brotliDecompressSync, constants, unzipSync } from 'node:zlib'

/** A longer one is no answer of a token endpoint. */
const DECODED_MAX_BYTES = 16 * 1024 * 1024

/** `body`, decoded as far as it goes where it is gzip or zlib by its first bytes, or Brotli by its header. */
export function decodeBody(body: Uint8Array, contentEncoding: string): Uint8Array {
  const limit = { maxOutputLength: DECODED_MAX_BYTES }
  try {
    return unzipSync(body, { ...limit, finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    // It is neither: what is not compressed, or not as we know it, is read as it is.
  }
  if (!/\bbr\b/i.test(contentEncoding)) return body
  try {
    return brotliDecompressSync(body, {
      ...limit,
      finishFlush: constants.BROTLI_OPERATION_FLUSH,
    })
  } catch {
    return body
  }
}
