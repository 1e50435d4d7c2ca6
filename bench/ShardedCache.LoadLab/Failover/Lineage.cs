using System.Collections.Concurrent;
using ShardedCache.LoadLab.History;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Failover;

/// <summary>
/// Follows which servers hold what the shards held at first. A history of data (replication id) continues another one or begins with
/// nothing. Where a server that has begun with nothing is made master, all others throw away what they hold, and no client can help it.
/// </summary>
internal sealed class Lineage : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stopping = new();
    private readonly ScenarioRun _run;
    private readonly Line[] _lines;
    private Task _polls = Task.CompletedTask;

    private Lineage(ScenarioRun run) => (_run, _lines) = (run, [.. run.Farm.Shards.Select(static shard => new Line(shard))]);

    public static async Task<Lineage> FollowAsync(ScenarioRun run)
    {
        var lineage = new Lineage(run);
        await Task.WhenAll(lineage._lines.Select(line => line.BeginAsync(run.Cancellation)));
        lineage._polls = Task.WhenAll(lineage._lines.Select(line => line.FollowAsync(lineage._stopping.Token)));
        return lineage;
    }

    /// <summary>Tells the run of the shards that have lost every copy of what they held.</summary>
    public void Tell()
    {
        foreach (var line in _lines)
        {
            if (line.Loss is var (from, until))
            {
                _run.Happened(ShardEventKind.DataLost, line.Shard, from, until);
                _run.Notes.Add($"{line.Shard.Name}: every copy of what it held is gone, its master began with nothing");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _polls.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private static string? Field(string info, string name) => info.Split('\n')
        .FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim();

    private sealed class Line(RedisFarmShard shard)
    {
        /// <summary>What each history continues, as its master says; null where it began with nothing.</summary>
        private readonly ConcurrentDictionary<string, string?> _former = new();

        private readonly Held?[] _holds = new Held?[shard.Servers.Count];

        // Only a master acknowledges writes.
        private readonly long[] _ledUntil = new long[shard.Servers.Count];
        private readonly long[] _emptySince = [.. Enumerable.Repeat(long.MaxValue, shard.Servers.Count)];
        private string _first = string.Empty;

        public RedisFarmShard Shard => shard;

        /// <summary>From when on a read may miss what was written until when; null where a server still holds it, or may.</summary>
        public (long From, long Until)? Loss
        {
            get
            {
                var (from, until) = (_emptySince.Min(), _ledUntil.Max());
                return _holds.Any(held => IsFirst(held?.Id)) || from == long.MaxValue ? null : (Math.Min(from, until), until);
            }
        }

        public async Task BeginAsync(CancellationToken cancellationToken)
        {
            var master = await shard.GetMasterAsync(cancellationToken);
            _first = Field(await master.ExecuteAsync("INFO", "replication"), "master_replid:")!;

            // Whatever it continued once.
            _former[_first] = null;
            foreach (var (index, server) in shard.Servers.Index())
            {
                await TakeAsync(server, index, Ticks.Now, cancellationToken);
            }
        }

        public Task FollowAsync(CancellationToken stopping) =>
            Task.WhenAll(shard.Servers.Select((server, index) => FollowAsync(server, index, stopping)));

        private async Task FollowAsync(RedisProcess server, int index, CancellationToken stopping)
        {
            var answered = Ticks.Now;
            while (true)
            {
                await TakeAsync(server, index, answered, stopping);
                answered = Ticks.Now;
                await Task.Delay(Interval, stopping);
            }
        }

        private async Task TakeAsync(RedisProcess server, int index, long answeredBefore, CancellationToken stopping)
        {
            var before = _holds[index];
            var held = await AskAsync(server, stopping);

            // A server that runs and does not answer holds what it held.
            _holds[index] = held ?? (server.IsRunning ? before : null);

            // What ended its leading was before the answer that tells of it.
            if (Leads(before) || Leads(held))
            {
                _ledUntil[index] = Ticks.Now;
            }

            if (IsFirst(held?.Id))
            {
                _emptySince[index] = long.MaxValue;
            }
            else if (held is not null && Root(held.Id) is var root && root != _first && _former.ContainsKey(root))
            {
                _emptySince[index] = Math.Min(_emptySince[index], answeredBefore);
            }
        }

        /// <summary>What it holds; null where it does not say.</summary>
        private async Task<Held?> AskAsync(RedisProcess server, CancellationToken stopping)
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            patience.CancelAfter(Patience);
            try
            {
                var info = await server.ExecuteAsync(["INFO", "replication"], patience.Token);
                if (Field(info, "master_replid:") is not { } id)
                {
                    return null;
                }

                var isMaster = Field(info, "role:") == "master";
                if (isMaster)
                {
                    var former = Field(info, "master_replid2:");
                    _former.TryAdd(id, former?.Trim('0') is { Length: > 0 } ? former : null);
                }

                return new Held(id, isMaster);
            }
            catch (Exception exception) when (exception is RedisFarmException || !stopping.IsCancellationRequested)
            {
                return null;
            }
        }

        private bool Leads(Held? held) => held is { IsMaster: true } && IsFirst(held.Id);

        private bool IsFirst(string? id) => id is not null && Root(id) == _first;

        /// <summary>Where it began, or the last that is known on the way there.</summary>
        private string Root(string id)
        {
            var root = id;
            while (_former.TryGetValue(root, out var former) && former is not null)
            {
                root = former;
            }

            return root;
        }
    }

    /// <param name="Id">The history of its data.</param>
    /// <param name="IsMaster">As it says itself.</param>
    private sealed record Held(string Id, bool IsMaster);
}
