#!/usr/bin/env bash
# Starts a farm of Redis shards and Sentinels on loopback and two instances of the sample web application on it. Ctrl-C stops everything.
#   ./run.sh          until Ctrl-C
#   ./run.sh --once   unattended, one instance: kills a master under load, counts failed requests and lost writes
set -euo pipefail
cd "$(dirname "$0")"
case "$*" in
    "" | --once) ;;
    *)
        echo "usage: ./run.sh [--once]" >&2
        exit 2
        ;;
esac
. eng/setup.sh

echo "Building ..."
dotnet build eng/FarmRunner -c Release -v quiet --nologo -clp:ErrorsOnly
exec dotnet eng/FarmRunner/bin/Release/net10.0/FarmRunner.dll samples/WebFarm/bin/Release/net10.0/WebFarm.dll samples/WebFarm "$@"
