using System.Collections.Frozen;

namespace ShardedCache.Sentinels;

/// <summary>Where the snapshots are published: reading one takes no lock, and each change wakes who waits for it.</summary>
internal sealed class MasterBoard(IEnumerable<string> shards) : IDisposable
{
    private readonly FrozenDictionary<string, Notice> _notices = shards.ToFrozenDictionary(shard => shard, _ => new Notice(), StringComparer.Ordinal);
    private readonly CancellationTokenSource _disposed = new();

    public MasterSnapshot Current(string shard) => Of(shard).Snapshot;

    /// <summary>Publishes under the next version; does nothing, and returns false, when the board says the same already.</summary>
    public bool Publish(string shard, MasterSnapshot snapshot) => Of(shard).Post(snapshot);

    public async Task<MasterSnapshot> WaitForChangeAsync(string shard, long afterVersion, CancellationToken cancellationToken)
    {
        var notice = Of(shard);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
        while (true)
        {
            var next = notice.Next;
            if (notice.Snapshot is var snapshot && snapshot.Version > afterVersion)
            {
                return snapshot;
            }

            await next.WaitAsync(either.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Cancels who still waits.</summary>
    public void Dispose() => _disposed.Cancel();

    private Notice Of(string shard) => _notices.TryGetValue(shard, out var notice)
        ? notice
        : throw new ArgumentException($"'{shard}' is not a shard of this farm.", nameof(shard));

    private sealed class Notice
    {
        private readonly Lock _lock = new();
        private volatile MasterSnapshot _snapshot = MasterSnapshot.Unknown;
        private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public MasterSnapshot Snapshot => _snapshot;

        /// <summary>Completes with the next change after this was read. Read it before <see cref="Snapshot"/>.</summary>
        public Task Next => _next.Task;

        public bool Post(MasterSnapshot snapshot)
        {
            lock (_lock)
            {
                if (snapshot.SaysTheSameAs(_snapshot))
                {
                    return false;
                }

                _snapshot = snapshot with { Version = _snapshot.Version + 1 };
                var changed = _next;
                _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                changed.SetResult();
                return true;
            }
        }
    }
}
