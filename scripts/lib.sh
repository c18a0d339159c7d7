# Shell functions of the scripts beside this file; they source it after `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # su without - leaves these out

say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Run a command without its output, unless it fails.
quietly() {
    local output status=0
    output=$(mktemp)
    "$@" >"$output" 2>&1 || status=$?
    [ "$status" -eq 0 ] || cat "$output" >&2
    rm -f "$output"
    return "$status"
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The packages that are missing, one a line. An argument is PACKAGE, or COMMAND=PACKAGE where another
# package may bring the command too (docker-ce brings dockerd and runc).
missing_packages() {
    local need command
    for need in "$@"; do
        command=${need%%=*}
        command -v "$command" >/dev/null || is_installed "${need#*=}" || printf '%s\n' "${need#*=}"
    done
}

# Install what is missing of these packages; installing starts no service.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || die "these Debian packages are missing: ${missing[*]}; install them, or run this as root once"
    say "installing Debian packages: ${missing[*]}"
    (
        policy=/usr/sbin/policy-rc.d # asked by maintainer scripts before they start a service; 101: it may not
        if [ ! -e "$policy" ]; then
            trap 'rm -f "$policy"' EXIT
            trap 'exit 130' INT
            trap 'exit 143' TERM HUP
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
        fi
        export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
        apt=(apt-get -q -y -o DPkg::Lock::Timeout=300)
        install=("${apt[@]}" install --no-install-recommends "${missing[@]}")
        # package lists that are missing or too old show in a failed install
        "${install[@]}" >/dev/null 2>&1 </dev/null || { quietly "${apt[@]}" update && quietly "${install[@]}"; }
    ) || die "apt-get could not install ${missing[*]}"
}

# What the package needs to be built and to mount; then what a Docker engine of our own needs.
python_packages=(python3-venv python3-dev gcc pkg-config libfuse3-dev fusermount3=fuse3 ca-certificates)
engine_packages=(dockerd=docker.io runc iptables ip=iproute2 ps=procps mmdebstrap)
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
    engine_packages+=(apparmor_parser=apparmor) # dockerd loads its profile with it
fi

# All of them, and those named.
install_run_packages() {
    install_packages "${python_packages[@]}" "${engine_packages[@]}" "$@"
    install_packages docker=docker-cli # a package of its own since Debian 13; before, docker.io has it
}

# Make .venv, or bring it up to date with pyproject.toml. $1: the extras to install too, "dev" or nothing.
make_venv() {
    local extras=${1:-} wanted stamp
    wanted=$(cat "$root/pyproject.toml")
    if [[ $(sed -n 's/^command = //p' "$venv/pyvenv.cfg" 2>/dev/null) == *" $venv" ]] &&
        "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        for stamp in "$venv/installed-dev" "$venv/installed-$extras"; do
            [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
        done
    else # none, or moved, or of a Python that is gone
        /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            die "/usr/bin/python3 is older than 3.11; Debian 12 is the oldest release that has it"
        say "making .venv"
        quietly /usr/bin/python3 -m venv --clear "$venv" || die "cannot make $venv"
    fi
    say "installing Python packages into .venv"
    quietly "$venv/bin/python" -m pip install --quiet --editable "$root${extras:+[$extras]}" ||
        die "pip could not install the Python packages"
    printf '%s\n' "$wanted" >"$venv/installed-$extras"
}
