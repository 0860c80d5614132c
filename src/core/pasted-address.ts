/** Finds the browser's address in what a person pasted. Whether it is the right one is checked elsewhere. */

/**
 * The addresses that `pasted` may mean, the likeliest first: without what chats, mails and shells put around
 * or into an address (blanks, line ends, characters that do not show, quotation marks, backslashes, `&amp;`), and
 * with the http:// that browsers leave out.
 */
export function addressesIn(pasted: string): readonly URL[] {
  const text = pasted
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cc}\s\\]+/gu, '')
    .replaceAll('&amp;', '&')
  const bare = text.replace(/^[<([{"'`“‘]+|[>)\]}"'`”’,;]+$/gu, '')
  // In a Markdown link, or after another word.
  const [first = ''] = /https?:\/\/[^<>()[\]{}"'`]+/i.exec(text) ?? []
  return [bare, `http://${bare}`, first].flatMap((candidate) =>
    URL.canParse(candidate) ? [new URL(candidate)] : [],
  )
}
