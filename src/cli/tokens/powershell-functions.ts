/** The functions that `shell-init` prints for PowerShell 5.1 and 7. */
import { resolve } from 'node:path'

export function powershellFunctions({
  socket,
  stateDir,
}: {
  readonly socket: string | undefined
  readonly stateDir: string | undefined
}): string {
  const options = [
    ...(socket === undefined ? [] : ['--socket', powershellLiteral(socket)]),
    ...(stateDir === undefined ? [] : ['--state-dir', powershellLiteral(resolve(stateDir))]),
  ].map((word) => ` ${word}`)
  return `# evo-token shell-init powershell: no token is ever an argument or in the environment.
function evo_token {
  param([Parameter(Mandatory = $true, Position = 0)][string] $App)
  evo-token get $App${options.join('')}
}

function Invoke-EvoRequest {
  param(
    [Parameter(Mandatory = $true, Position = 0)][string] $App,
    [Parameter(Mandatory = $true, Position = 1)][uri] $Uri,
    [string] $Method = 'Get',
    [System.Collections.IDictionary] $Headers = @{},
    $Body,
    [string] $ContentType,
    [string] $OutFile
  )
  if ($Uri.Scheme -ne 'https' -and -not $Uri.IsLoopback) {
    throw 'Invoke-EvoRequest: a token goes over https only.'
  }
  $token = evo_token $App
  if ($LASTEXITCODE -ne 0) { throw "Invoke-EvoRequest: there is no token of $App." }
  $request = @{ Uri = $Uri; Method = $Method; Headers = @{ Authorization = "Bearer $token" } }
  foreach ($name in $Headers.Keys) {
    if ($name -ne 'Authorization') { $request.Headers[$name] = $Headers[$name] }
  }
  foreach ($name in 'Body', 'ContentType', 'OutFile') {
    if ($PSBoundParameters.ContainsKey($name)) { $request[$name] = $PSBoundParameters[$name] }
  }
  Invoke-RestMethod @request
}
`
}

/**
 * A string literal of PowerShell without expansions. PowerShell 5 reads the output of programs in a code page
 * of the system, so characters outside ASCII are written as numbers.
 */
function powershellLiteral(text: string): string {
  const parts = text.match(/[\x20-\x7e]+|[^\x20-\x7e]/g) ?? ['']
  const words = parts.map((part) =>
    /^[\x20-\x7e]/.test(part)
      ? `'${part.replaceAll("'", "''")}'`
      : `[char]0x${part.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  // The empty string comes first: PowerShell would take a leading `[char]` for a number.
  return words.length === 1 && text !== '' && words[0]?.startsWith("'")
    ? words[0]
    : `('' + ${words.join(' + ')})`
}
