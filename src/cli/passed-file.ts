/** What a shell passes in place of a file: `<(…)`, or stdin by its name. Any other pipe or device may keep us for ever. */
export function isPassed(path: string): boolean {
  return /^\/dev\/stdin$|^\/(?:dev|proc\/self)\/fd\/\d+$/.test(path)
}
