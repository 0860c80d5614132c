#!/usr/bin/env bash
# A CPython for Windows with the packages that the tests import, into build/python-windows. Needs a Python with pip
# as its argument, `mvn`, and the linker of binutils-mingw-w64-x86-64.
set -euo pipefail
cd "$(dirname "$0")/../../.."
pip=("$1" -m pip install -q --disable-pip-version-check)
place=$PWD/build/python-windows
home=$place/org/bytedeco/cpython/windows-x86_64

mkdir -p "$place"
# From there, because it leaves a mark where it is started.
(cd "$place" && mvn -q dependency:unpack -Dartifact=org.bytedeco:cpython:3.13.5-1.5.12:jar:windows-x86_64 -DoutputDirectory="$place")
"${pip[@]}" --upgrade --target "$place/site" --platform win_amd64 --python-version 3.13 --implementation cp --abi cp313 \
  --only-binary=:all: -r clients/python/requirements-windows.txt

# What Wine 8 and this Python lack of a Windows with its own Python: both only pass calls on.
link() {
  printf '%s\n' "LIBRARY $1" EXPORTS "${@:2}" >"$place/$1.def"
  x86_64-w64-mingw32-ld -shared -e 0 -o "$home/$1" "$place/$1.def"
}
link bcryptprimitives.dll 'ProcessPrng = advapi32.SystemFunction036'
mapfile -t forwards < <(x86_64-w64-mingw32-objdump -p "$home/python313.dll" |
  awk '/\[Ordinal\/Name Pointer\] Table/ { found = 1; next } found && /^$/ { exit } found { print $NF " = python313." $NF }')
link python3.dll "${forwards[@]}"
