#!/bin/sh
# What the Discovery API knows of you, with curl alone: sh examples/curl.sh evo-me
# In ~/.bashrc or ~/.zshrc the first line gives you both functions for good.
set -eu
eval "$(evo-token shell-init)"

app=${1:-${EVO_TOKEN_APP:-evo-me}}
discovery=${EVO_DISCOVERY_URL:-https://discover.api.seequent.com}

# curl with a fresh token, which never stands in its arguments.
evo_curl "$app" -sS --fail-with-body "$discovery/evo/identity/v2/discovery?service=evo"
