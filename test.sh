#!/usr/bin/env bash
# Does all set-up and runs every test. The last line counts them.
set -euo pipefail
cd "$(dirname "$0")"
. eng/setup.sh
install python3 "Python 3 (runs the second implementation of the sharding rule)" python3 python3 python3 python3
install_one chromium chromium-browser "Chromium (visits the sample web application)" chromium chromium chromium chromium
install ip "iproute2 (cuts networks in tests)" iproute2 iproute iproute2 iproute2mac

results=artifacts/test-results
rm -rf "$results"
mkdir -p "$results"
failures=""

echo "Building ..."
dotnet build ShardedCache.sln -v quiet --nologo -clp:ErrorsOnly

echo "Checking the format ..."
dotnet format ShardedCache.sln --verify-no-changes --no-restore || failures+="FAILED: dotnet format would change files"$'\n'

for project in tests/*.Tests; do
    name=$(basename "$project")
    echo "Running $name ..."
    # A test project is a program that runs itself.
    "$project/bin/Debug/net10.0/$name" -noLogo -noColor -result-trx "$results/$name.trx" || failures+="FAILED: $name"$'\n'
    [ -f "$results/$name.trx" ] || failures+="FAILED: $name wrote no result"$'\n'
done

# Sums an attribute of the result files' counters.
count() {
    cat "$results"/*.trx | grep -o "<Counters [^>]*" | grep -o " $1=\"[0-9]*\"" | tr -dc '0-9\n' | awk '{ sum += $1 } END { print sum + 0 }'
}

# Again at the end, where a log is read first.
python3 eng/failed_tests.py "$results"
printf '%s' "$failures"
total=$(count total)
passed=$(count passed)
skipped=$((total - $(count executed)))
echo "$passed passed, $((total - passed - skipped)) failed, $skipped skipped"
[ -z "$failures" ] && [ "$passed" -gt 0 ]
