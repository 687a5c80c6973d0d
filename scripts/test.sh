#!/usr/bin/env bash
# Runs the unit tests; arguments go to `swift test`, as in `scripts/test.sh --filter AdmissionTests`.
set -euo pipefail
cd "$(dirname "$0")/.."

# promtool, where scripts/install-test-tools.sh has put it; without it its tests are skipped.
PATH=$PATH:${XDG_CACHE_HOME:-$HOME/.cache}/penstock/bin
# One test at a time: many of them talk over real sockets with real deadlines, and five hundred at once on two cores
# starve each other. All tests are Swift Testing's, so that the summary at the end is the one that counts.
exec swift test --disable-xctest --no-parallel --explicit-target-dependency-import-check error "$@"
