#!/usr/bin/env bash
# Builds the program as it runs in production and prints where it is: one file that needs no Swift on the machine.
#
#   scripts/production-build.sh [scratch folder]
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=${1:-.build/production}
options=(
    -c release --product penstock --scratch-path "$scratch" --static-swift-stdlib
    # A tenth less work for each request; the debug build, in which the tests run, keeps these checks.
    -Xswiftc -enforce-exclusivity=unchecked
    # No names for others to link to, and so nothing kept that nobody calls. Relocations take a tenth of their place
    # (glibc 2.36), functions of the same bytes stand there once, and nothing is there to unwind the stack.
    -Xswiftc -use-ld=lld -Xlinker --no-export-dynamic -Xlinker -z -Xlinker pack-relative-relocs -Xlinker --icf=safe
    -Xlinker -O2 -Xlinker --no-eh-frame-hdr -Xlinker -T -Xlinker "$PWD/scripts/production.ld"
)
# A folder with the archive alone: there the linker finds no shared C++ library, of which little is needed.
mkdir -p "$scratch/static"
ln -sf "$(clang -print-file-name=libstdc++.a)" "$scratch/static/"
swift build "${options[@]}" -Xlinker -L"$(realpath "$scratch/static")" >&2
echo "$(swift build "${options[@]}" --show-bin-path)/penstock"
