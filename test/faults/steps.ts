/**
 * The rotation protocol as a list of moments at which the daemon may be killed, and what the next
 * start makes of each. The tests hold it to this, and `docs/reliability.md` prints it.
 */

export interface Moment {
  /** As the daemon names it; `ANSWER_LEFT` is a moment of the server. */
  readonly step: string
  readonly when: string
  /** What the next start finds, and does. */
  readonly next: string
  readonly session: 'refreshed' | 'stored' | 'lost'
}

/** The server has rotated, and its answer is on its way. */
export const ANSWER_LEFT = '(answer left)'

/** From when on a kill costs nothing any more: the next start finds the record under its new name or its old one. */
export const DURABLE = 'store synced'

const RETRIED = 'The old refresh token is used at once, and works: it was never spent.'
const LOST =
  'The old refresh token is used once, and is refused: signed out, `answer_lost`. A token that is still good is served to its end.'
const PUT_IN_PLACE = 'The new record is complete: it is put in its place, and nothing is asked.'

export const MOMENTS: readonly Moment[] = [
  {
    step: 'reserve',
    when: 'a refresh is due; nothing has been done yet',
    next: 'The record as it was, and no mark. The refresh is due, and is made.',
    session: 'refreshed',
  },
  {
    step: 'reserve opened',
    when: 'the file for the next record was made, and is empty',
    next: `An attempt that may have been sent, for all that one can tell. ${RETRIED}`,
    session: 'refreshed',
  },
  {
    step: 'reserve written',
    when: 'its 64 KiB with the mark are written, not synced',
    next: `The mark. ${RETRIED}`,
    session: 'refreshed',
  },
  {
    step: 'reserve synced',
    when: 'the mark is on the disk, its name perhaps not',
    next: `The mark. ${RETRIED}`,
    session: 'refreshed',
  },
  {
    step: 'reserve directory-synced',
    when: 'the mark and its name are on the disk',
    next: `The mark. ${RETRIED}`,
    session: 'refreshed',
  },
  {
    step: 'send',
    when: 'the request is about to leave',
    next: `The mark. ${RETRIED}`,
    session: 'refreshed',
  },
  {
    step: ANSWER_LEFT,
    when: 'the server has rotated, and its answer is on its way',
    next: `The mark. ${LOST}`,
    session: 'lost',
  },
  {
    step: 'store',
    when: 'the answer is here, in memory',
    next: `The mark. ${LOST}`,
    session: 'lost',
  },
  {
    step: 'store opened',
    when: 'the room for the new record is open',
    next: `The mark. ${LOST}`,
    session: 'lost',
  },
  {
    step: 'store written',
    when: 'the new record is written, not synced: enough for a kill, not for a power cut',
    next: PUT_IN_PLACE,
    session: 'stored',
  },
  {
    step: DURABLE,
    when: 'the new record is on the disk, under its provisional name',
    next: PUT_IN_PLACE,
    session: 'stored',
  },
  {
    step: 'store renamed',
    when: 'it has its name; the directory is not synced',
    next: 'The new record (after a power cut perhaps under its provisional name, with the same end). Nothing is asked.',
    session: 'stored',
  },
  {
    step: 'store directory-synced',
    when: 'everything is on the disk; no caller was served yet',
    next: 'The new record. Nothing is asked.',
    session: 'stored',
  },
  {
    step: 'stored',
    when: 'the new token is about to be served',
    next: 'The new record. Nothing is asked.',
    session: 'stored',
  },
]
