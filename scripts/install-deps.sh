#!/bin/sh
# Installs what rebound is built with and runs on (Debian, Ubuntu); does nothing when all of it is there.
#
#   scripts/install-deps.sh [--test]
#
# --test adds what the tests need: a display of their own, screenshots of it, network tools, an RTSP server, a TURN server, a browser,
# and what scripts/peers-venv.sh makes a Python environment with.
set -eu

build="gcc g++ make pkg-config libc6-dev
    libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev"
run="gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-nice gstreamer1.0-x"
test="xvfb imagemagick iproute2 python3-gi gir1.2-gst-rtsp-server-1.0 chromium coturn python3-venv"

die() { printf 'install-deps: %s\n' "$1" >&2; exit 1; }

is_installed() { [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo > /dev/null; then sudo "$@"
    else die "not root and there is no sudo; run as root: $*"
    fi
}

install_with_apt() {
    missing=
    for package in $1; do
        is_installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "install-deps: installing$missing"
    as_root apt-get update
    # shellcheck disable=SC2086 # one word a package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
}

explain_other_systems() {
    cat >&2 << 'TEXT'
install-deps: this system has no apt-get. rebound needs GStreamer 1.22 or newer with webrtcbin, libnice, x264 or openh264, and its headers:

  macOS   brew install gstreamer libnice-gstreamer pkgconf
  Fedora  dnf install gcc make pkgconf gstreamer1-devel gstreamer1-plugins-base-devel gstreamer1-plugins-bad-free-devel \
              gstreamer1-plugins-base gstreamer1-plugins-good gstreamer1-plugins-bad-free gstreamer1-plugin-openh264 libnice-gstreamer1
  Arch    pacman -S base-devel gstreamer gst-plugins-base gst-plugins-good gst-plugins-bad gst-plugins-ugly gst-libav libnice

Then `cargo build --release --locked`. Only Debian 12 is tested.
TEXT
    exit 1
}

check_cargo() {
    need=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")
    command -v cargo > /dev/null || die "cargo is missing: install Rust $need or newer from https://rustup.rs"
    have=$(cargo --version | cut -d ' ' -f 2)
    [ "$(printf '%s\n%s\n' "$need" "$have" | sort -V | head -n 1)" = "$need" ] \
        || die "cargo is $have but rebound needs $need or newer: run 'rustup update stable'"
}

packages="$build $run"
case "${1-}" in
    "") ;;
    --test) packages="$packages $test" ;;
    *) die "unknown option $1; the only one is --test" ;;
esac

if command -v apt-get > /dev/null; then install_with_apt "$packages"; else explain_other_systems; fi
check_cargo
