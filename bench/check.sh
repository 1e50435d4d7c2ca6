#!/bin/sh
# Whether the wire still keeps up with redis-benchmark: ratios within one run, in a minute. Not part of the tests.
set -eu
cd "$(dirname "$0")/.."
exec dotnet run -c Release --project bench/ShardedCache.LoadLab -- check
