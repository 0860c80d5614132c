# The organisations that you belong to, from PowerShell 7.4 or newer: pwsh examples/powershell.ps1 evo-me
# (We have not run this one ourselves: there is no PowerShell where our tests run.)
param([string] $App = $(if ($env:EVO_TOKEN_APP) { $env:EVO_TOKEN_APP } else { 'evo-me' }))
$ErrorActionPreference = 'Stop'

$discovery = if ($env:EVO_DISCOVERY_URL) { $env:EVO_DISCOVERY_URL } else { 'https://discover.api.seequent.com' }

# The daemon writes down where it is; only you can open its socket, so no key is needed.
function Get-EvoDaemon {
  $base = if ($env:XDG_STATE_HOME) { $env:XDG_STATE_HOME } else { Join-Path $HOME '.local/state' }
  $state = if ($env:EVO_TOKEN_STATE_DIR) { $env:EVO_TOKEN_STATE_DIR } else { Join-Path $base 'evo-token' }
  (Get-Content -Raw (Join-Path $state 'endpoint.json') | ConvertFrom-Json).socket
}

# Ask again whenever a token is needed: it is always a fresh one.
function Get-EvoToken([string] $App) {
  $answer = Invoke-RestMethod -UnixSocket (Get-EvoDaemon) -Uri "http://localhost/v1/apps/$App/token"
  ConvertTo-SecureString $answer.access_token -AsPlainText
}

$found = Invoke-RestMethod -Authentication Bearer -Token (Get-EvoToken $App) `
  -Uri "$discovery/evo/identity/v2/discovery?service=evo"
$found.discovery.organizations | ForEach-Object display_name
