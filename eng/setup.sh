# Sourced by run.sh and test.sh: sees to it that the .NET SDK and Redis are there.

fail() {
    echo "error: $*" >&2
    exit 1
}

command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing: install it and put 'dotnet' on the PATH"
dotnet --list-sdks | grep -q '^10\.' || fail "the .NET 10 SDK is missing; found: $(dotnet --list-sdks | tr '\n' ' ')"

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "'$*' needs root: run it yourself, then start again"
    fi
}

# install COMMAND WHAT APT-PACKAGES DNF-PACKAGES APK-PACKAGES BREW-PACKAGES
install() {
    command -v "$1" >/dev/null && return
    echo "$2 is missing; installing it with the system's package manager ..."
    # RUNLEVEL=1 keeps Debian's package scripts from starting the service: this project starts servers of its own.
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq &&
            as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq $3 >/dev/null
    elif command -v dnf >/dev/null; then
        as_root dnf install -y -q $4
    elif command -v apk >/dev/null; then
        as_root apk add -q $5
    elif command -v brew >/dev/null; then
        brew install -q $6
    else
        fail "$2 is missing and no known package manager was found: install it so that '$1' is on the PATH"
    fi || fail "$2 could not be installed: install it so that '$1' is on the PATH"
    command -v "$1" >/dev/null || fail "$2 was installed, but '$1' is still not on the PATH"
}

# install_one COMMAND OTHER-COMMAND ...: the same for a command that some systems have under another name.
install_one() {
    command -v "$2" >/dev/null || install "$1" "${@:3}"
}

install redis-server "Redis 7 or newer" redis-server redis redis redis
# Where a distribution has no redis-sentinel of its own, redis-server plays that part (redis-server --sentinel).
if command -v apt-get >/dev/null; then
    install redis-sentinel "Redis Sentinel" redis-sentinel redis redis redis
fi
