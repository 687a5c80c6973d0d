#!/usr/bin/env bash
# Makes the root folder of the image, and shows that the program runs in it.
#
#   scripts/image-root.sh make BINARY FOLDER   the stripped program, the libraries it names, certificates, a user
#   scripts/image-root.sh try FOLDER           runs it there: read-only, as another user, over verified TLS (needs root)
#
# BINARY is what scripts/production-build.sh prints; of another build the image is two to four times as large.
set -euo pipefail

user=65532
certificates=etc/ssl/certs/ca-certificates.crt
most=40000000

main() {
    case "${1-} $#" in
    'make 3') make "$2" "$3" ;;
    # In a mount namespace of its own, so that nothing stays mounted.
    'try 2') exec unshare --mount --propagation private "$0" in-namespace "$2" ;;
    'in-namespace 2') try "$2" ;;
    *)
        echo "usage: ${0##*/} make BINARY FOLDER | try FOLDER" >&2
        exit 64
        ;;
    esac
}

make() {
    local binary=$1 root=$2 library
    if [ -e "$root" ]; then
        echo "${0##*/}: $root is already there" >&2
        exit 1
    fi
    mkdir -p "$root"/{usr/bin,etc/ssl/certs,etc/penstock,run/penstock,tmp}
    chmod 1777 "$root/tmp"
    strip -o "$root/usr/bin/penstock" "$binary"
    chmod 755 "$root/usr/bin/penstock"
    # Under the paths by which the program and its loader look for them.
    ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do
        install -D -m 755 "$library" "$root$library"
    done
    install -m 644 "/$certificates" "$root/$certificates"
    echo "penstock:x:$user:$user::/:/usr/bin/penstock" >"$root/etc/passwd"
    echo "penstock:x:$user:" >"$root/etc/group"
    # Without it the C library asks DNS before it looks into /etc/hosts.
    echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
    echo "program $(megabytes "$root/usr/bin/penstock"), image $(megabytes "$root")"
    # Most likely the data of ICU are in it: see Sources/CLocaleStub.
    if [ "$(bytes "$root")" -gt $most ]; then echo "${0##*/}: the image is larger than $((most / 1000000)) MB" >&2; fi
}

bytes() { du --summarize --apparent-size --block-size=1 "$1" | cut -f 1; }

megabytes() { bytes "$1" | awk '{ printf "%.1f MB", $1 / 1000000 }'; }

try() {
    # Penstock's own settings are not to change what is tried.
    unset "${!PENSTOCK_@}"
    work=$(mktemp -d)
    running=()
    trap clean EXIT
    # Everybody may pass through, as in an engine's folder.
    chmod 755 "$work"
    cp -a "$1" "$work/files"
    # What an engine puts into a container.
    mkdir "$work/rootfs" "$work/files/proc" "$work/files/dev"
    touch "$work/files/dev/null" "$work/files/dev/urandom" "$work/files/etc/resolv.conf"
    echo '127.0.0.1 localhost' >"$work/files/etc/hosts"
    make_certificate "$work/files/etc/penstock"
    mount --bind "$work/files" "$work/rootfs"
    mount -o remount,bind,ro "$work/rootfs"
    mount -t proc proc "$work/rootfs/proc"
    mount --bind /dev/null "$work/rootfs/dev/null"
    mount --bind /dev/urandom "$work/rootfs/dev/urandom"

    in_image version
    start_in_image simulate --listen 127.0.0.1:0 --tls-cert /etc/penstock/tls.crt --tls-key /etc/penstock/tls.key \
        2>"$work/provider.log" &
    running+=($!)
    write_policy "$(address 'provider on 127\.0\.0\.1:\K[0-9]+' provider.log)"
    in_image check --config /etc/penstock/penstock.yaml >/dev/null
    echo "check: ok"
    expect 502 "a provider that no known authority vouches for"
    cat "$work/authority.crt" >>"$work/files/$certificates"
    expect 200 "a provider that the image's certificates vouch for, found by name"
}

clean() {
    for child in "${running[@]}"; do
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    if mountpoint --quiet "$work/rootfs"; then umount --recursive "$work/rootfs"; fi
    rm -rf --one-file-system "$work"
}

in_image() { chroot --userspec=$user:$user --groups= "$work/rootfs" /usr/bin/penstock "$@"; }

# As a process of its own, so that a signal meets the program and no shell.
start_in_image() { exec chroot --userspec=$user:$user --groups= "$work/rootfs" /usr/bin/penstock "$@"; }

# An authority of our own, and a certificate for localhost by it.
make_certificate() {
    local folder=$1
    openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj '/CN=image-root' -keyout "$work/authority.key" \
        -out "$work/authority.crt" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout "$folder/tls.key" -out "$work/tls.csr" 2>/dev/null
    openssl x509 -req -in "$work/tls.csr" -CA "$work/authority.crt" -CAkey "$work/authority.key" -CAcreateserial \
        -days 1 -extfile <(echo subjectAltName=DNS:localhost) -out "$folder/tls.crt" 2>/dev/null
    chown $user "$folder/tls.key"
}

write_policy() {
    printf 'upstreams: {provider: {url: "https://localhost:%s", provider: openai, limits: [{in_flight: 4}]}}\n' "$1" \
        >"$work/files/etc/penstock/penstock.yaml"
}

# address PATTERN LOG: waits for a line, and says what is in it.
address() {
    local found
    for _ in $(seq 100); do
        if found=$(grep -oP -m 1 "$1" "$work/$2"); then
            echo "$found"
            return
        fi
        sleep 0.1
    done
    cat "$work/$2" >&2
    return 1
}

# expect STATUS MEANING: a proxy started anew, because certificates are read at the start, and one request through it.
expect() {
    local proxy admin status
    : >"$work/proxy.log"
    start_in_image run --config /etc/penstock/penstock.yaml --listen 127.0.0.1:0 --admin 127.0.0.1:0 \
        2>"$work/proxy.log" &
    proxy=$!
    running+=("$proxy")
    listen=$(address 'Listening.*"address":"\K[^"]+' proxy.log)
    admin=$(address 'Admin.*"address":"\K[^"]+' proxy.log)
    status=$(curl --silent --noproxy '*' --output "$work/answer" --write-out '%{http_code}' \
        "http://$listen/v1/chat/completions" -H 'Content-Type: application/json' \
        -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}')
    echo "$2: $status, resident $(curl --silent --noproxy '*' "http://$admin/metrics" |
        awk '/^process_resident_memory_bytes/ { printf "%.0f MiB", $2 / 1048576 }')"
    kill "$proxy"
    wait "$proxy"
    if [ "$status" != "$1" ]; then
        cat "$work/proxy.log" "$work/answer" >&2
        return 1
    fi
}

main "$@"
