/** The hooks that git runs before it commits, and what the guard adds to each. */

const BLOCK_BEGIN = '# evo-token guard: keeps tokens and secrets out of commits'
const BLOCK_END = '# evo-token guard: end'

const CHECK_STAGED = 'evo-token guard check || exit 1'
const CHECK_MESSAGE = 'evo-token guard check --message "$1" || exit 1'

/**
 * `git commit` runs pre-commit and commit-msg, a merge that makes a commit pre-merge-commit and
 * commit-msg, `git am` the two with applypatch in their names. A cherry-pick and a revert run none of
 * them, only prepare-commit-msg. That one runs for every other commit too; those are recognised by what
 * `git commit` alone sets in the environment. A rebase repeats commits that were checked before.
 */
const CHECK_PICKED = `picked=$(git rev-parse --git-path CHERRY_PICK_HEAD)
  rebase=$(git rev-parse --git-path rebase-merge)
  if [ ! -d "$rebase" ] && { [ -e "$picked" ] || [ "\${2-}\${GIT_AUTHOR_DATE-}" = message ]; }; then
    evo-token guard check && evo-token guard check --message "$1" || exit 1
  fi`

/** The hook may be shared with machines that have no evo-token, and so no tokens of it: there a commit passes. */
const SAY_MISSING =
  "echo 'evo-token is not on the PATH: this commit was not checked for tokens.' >&2"

export interface Hook {
  readonly name: string
  /** The lines of the guard, from their first to their last. */
  readonly block: string
}

export const HOOKS: readonly Hook[] = [
  { name: 'pre-commit', block: blockFor(CHECK_STAGED, SAY_MISSING) },
  { name: 'commit-msg', block: blockFor(CHECK_MESSAGE) },
  { name: 'pre-merge-commit', block: blockFor(CHECK_STAGED, SAY_MISSING) },
  { name: 'prepare-commit-msg', block: blockFor(CHECK_PICKED) },
  { name: 'applypatch-msg', block: blockFor(CHECK_MESSAGE) },
  { name: 'pre-applypatch', block: blockFor(CHECK_STAGED, SAY_MISSING) },
]

function blockFor(check: string, missing?: string): string {
  const otherwise = missing === undefined ? '' : `else\n  ${missing}\n`
  return `${BLOCK_BEGIN}\nif command -v evo-token >/dev/null 2>&1; then\n  ${check}\n${otherwise}fi\n${BLOCK_END}\n`
}

/** The first line of a hook that a shell runs; no other hook can take the block. */
const SHELL_LINE = /^#! ?(\/usr)?\/bin\/(env )?(sh|bash|dash|zsh|ksh)\b/

/** The text of a hook with the guard in it; undefined where it is no shell script. */
export function withGuard(text: string | undefined, { block }: Hook): string | undefined {
  const before = text ?? '#!/bin/sh\n'
  // The block of an earlier version is replaced.
  const [start, end] = [before.indexOf(BLOCK_BEGIN), before.indexOf(BLOCK_END)]
  if (start >= 0 && end > start) {
    return `${before.slice(0, start)}${block.trimEnd()}${before.slice(end + BLOCK_END.length)}`
  }
  if (!SHELL_LINE.test(before)) return undefined
  // At the beginning: an `exec` or `exit` further down cannot skip the guard.
  const [first = '', ...others] = before.split('\n')
  return `${first}\n${block}${others.join('\n')}`
}
