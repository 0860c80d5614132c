/**
 * Finds pieces of secrets in foreign text: a server may repeat half of what it was sent, and a parser
 * quotes what it could not parse. The comparison with every live secret, in each encoding, is too slow
 * for each line of a log, and fast enough for each failure.
 */
import { liveSecrets } from '../../secret.ts'

/** Shortest piece worth hiding; shorter ones occur in ordinary text. */
const HIDDEN_PIECE_LENGTH = 8

/** Length of the samples, one at every fifth character of a secret: any eight characters of it contain a sample. */
const SAMPLE_LENGTH = 4
const SAMPLE_EVERY = 5

const SECRET_MARK = '[secret]'

/** What may be text in base64, or percent-encoded: eight bytes are eleven characters then. */
const ENCODED_RUN = /[\w%+/-]{11,}={0,2}/g

/** `text` without any eight characters in a row that a live secret has, too, encoded ones included. */
export function removePieces(text: string): string {
  const meant = [...text.matchAll(ENCODED_RUN)].map(([run]) => ({ run, as: decodeRun(run) }))
  const suspects = findSecretsLike([text, ...meant.flatMap(({ as }) => as)])
  if (suspects.length === 0) return text
  const encoded = meant.filter(({ as }) =>
    as.some((one) => findPieces(one, suspects).includes(true)),
  )
  const decoded = encoded.reduce((rest, { run }) => rest.replaceAll(run, SECRET_MARK), text)
  return hidePieces(decoded, findPieces(decoded, suspects))
}

/** The live secrets that may have a piece in one of `texts`, and a few that have none. */
function findSecretsLike(texts: readonly string[]): readonly string[] {
  const samples = new Set<number>()
  for (const text of texts) {
    for (let at = 0; at + SAMPLE_LENGTH <= text.length; at++) samples.add(sampleAt(text, at))
  }
  return liveSecrets()
    .map((secret) => secret.expose())
    .filter((value) => {
      for (let at = 0; at + SAMPLE_LENGTH <= value.length; at += SAMPLE_EVERY) {
        if (samples.has(sampleAt(value, at))) return true
      }
      return false
    })
}

/** Four characters as a number: a string for each would take ten times as long. */
function sampleAt(text: string, at: number): number {
  let sample = 0
  for (let index = at; index < at + SAMPLE_LENGTH; index++)
    sample = (sample << 7) ^ text.charCodeAt(index)
  return sample
}

/** For each character of `text` whether it is part of a piece. */
function findPieces(text: string, secrets: readonly string[]): readonly boolean[] {
  const hidden = new Array<boolean>(text.length).fill(false)
  for (let at = 0; at + HIDDEN_PIECE_LENGTH <= text.length; at++) {
    const piece = text.slice(at, at + HIDDEN_PIECE_LENGTH)
    if (secrets.some((secret) => secret.includes(piece)))
      hidden.fill(true, at, at + HIDDEN_PIECE_LENGTH)
  }
  return hidden
}

function hidePieces(text: string, hidden: readonly boolean[]): string {
  let shown = ''
  for (const [index, character] of text.split('').entries()) {
    if (!hidden[index]) shown += character
    else if (!hidden[index - 1]) shown += SECRET_MARK
  }
  return shown
}

/** What `run` may stand for. Base64 that lost its beginning is out of step by one to three characters. */
function decodeRun(run: string): readonly string[] {
  const base64 = [0, 1, 2, 3].map((from) =>
    Buffer.from(run.slice(from), 'base64').toString('latin1'),
  )
  return run.includes('%') ? [decodePercent(run), ...base64] : base64
}

/** Decodes percent-encoding, also where the last sequence was cut. */
function decodePercent(run: string): string {
  return run.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}
