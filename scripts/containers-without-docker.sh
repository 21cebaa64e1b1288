#!/usr/bin/env bash
# Builds the image and runs compose.yaml on a Debian 12 machine that has no container engine and reaches no image registry:
#
#   sudo scripts/containers-without-docker.sh
#
# podman and buildah run the containers. The two base images that the Dockerfile names are made here, from Debian's packages and
# this machine's Rust, and stay in podman's storage: `podman rmi` them to have new ones. Ends with the sender's exit code.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PACKAGES=(aardvark-dns buildah ca-certificates debootstrap iptables netavark podman podman-compose runc)
readonly SUITE=bookworm
PROJECT=rebound-$$
work=$(mktemp -d)

say() { printf '\n== %s\n' "$*" >&2; }

# The image that a stage of the Dockerfile starts from: base_image 1, base_image 2.
base_image() { sed -n 's/^FROM \([^ ]*\).*/\1/p' Dockerfile | sed -n "$1p"; }

install_tools() {
    local missing=()
    for package in "${PACKAGES[@]}"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"
}

# Containers need settings of their own on a machine with cgroup v1 or without systemd; the machine's are left as they are.
configure_containers() {
    cat > "$work/containers.conf" <<-'CONF'
		[engine]
		runtime = "runc"
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		[network]
		network_backend = "netavark"
		[containers]
		log_driver = "k8s-file"
		default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
	CONF
    export CONTAINERS_CONF="$work/containers.conf" BUILDAH_ISOLATION=chroot BUILDAH_FORMAT=docker
}

# apt inside the image uses the servers, settings and certificates of this machine: they may be a mirror's.
make_root() {
    local root=$1 mirror
    shift
    # shellcheck disable=SC2016 # apt replaces $(REPO_URI), not the shell
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' "Codename: $SUITE" | head -n 1)
    debootstrap --variant=minbase --include="$(IFS=,; echo "$*")" "$SUITE" "$root" "$mirror" > "$work/debootstrap.log" \
        || { tail "$work/debootstrap.log" "$root/debootstrap/debootstrap.log" >&2; return 1; }
    rm -rf "$root/var/lib/apt/lists/"* "$root/var/cache/apt/archives/"*
    cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/" 2>/dev/null && rm -f "$root/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(Check-|http|Retries)' > "$root/etc/apt/apt.conf.d/90host" || true
    echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };' > "$root/etc/apt/apt.conf.d/90clean"
}

import_root() {
    local root=$1 name=$2
    shift 2
    tar --directory "$root" --create . | podman import "$@" - "$name"
    rm -rf "$root"
}

make_runtime_base() {
    make_root "$work/runtime" ca-certificates
    import_root "$work/runtime" "$1" --change CMD=bash
}

make_build_base() {
    local root=$work/build sysroot
    sysroot=$(rustc --print sysroot)
    [[ $1 == *"rust:$(rustc --version | sed 's/rustc \([0-9]*\.[0-9]*\).*/\1/')"* ]] || say "$1 is made with $(rustc --version)"
    make_root "$root" ca-certificates gcc libc6-dev pkg-config
    cp --recursive "$sysroot/bin" "$sysroot/lib" "$root/usr/local/"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    import_root "$root" "$1" --change ENV=CARGO_HOME=/usr/local/cargo
}

make_bases() {
    local build runtime
    build=$(base_image 1) runtime=$(base_image 2)
    podman image exists "$runtime" || { say "making $runtime"; make_runtime_base "$runtime"; }
    podman image exists "$build" || { say "making $build"; make_build_base "$build"; }
}

build_image() {
    say "building the image"
    buildah bud --layers --pull-never --tag rebound \
        --build-arg REVISION="$(git rev-parse --verify --quiet HEAD || echo unknown)" \
        --build-arg CREATED="$(date --utc +%Y-%m-%dT%H:%M:%SZ)" .
}

run_compose() {
    local status=0
    say "running compose.yaml"
    podman-compose --project-name "$PROJECT" up --no-build --abort-on-container-exit --exit-code-from sender || status=$?
    podman-compose --project-name "$PROJECT" stop > /dev/null 2>&1
    say "report.json"
    cat "$(podman volume inspect --format '{{.Mountpoint}}' "${PROJECT}_out")/report.json" || status=1
    echo
    say "exit codes"
    podman ps --all --filter "name=$PROJECT" --format '{{.Names}} {{.Status}}'
    return "$status"
}

clean_up() {
    podman-compose --project-name "$PROJECT" down --volumes > /dev/null 2>&1 || true
    podman network rm "${PROJECT}_default" > /dev/null 2>&1 || true
    rm -rf "$work"
}

[ "$(id -u)" -eq 0 ] || { echo "run it as root: debootstrap and container networks need it" >&2; exit 1; }
command -v rustc > /dev/null || { echo "no rustc found: the build image is made from this machine's Rust (with sudo: sudo env PATH=\"\$PATH\" $0)" >&2; exit 1; }
install_tools
configure_containers
trap clean_up EXIT
make_bases
build_image
run_compose
