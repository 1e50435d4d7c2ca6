using System.Diagnostics;

namespace ShardedCache.Failover;

/// <summary>
/// The memory that the journals of all shards may take together, so that the shard that is down has all of it to itself. Beyond
/// it the longest journal gives up its oldest values and, when no values are left, its oldest keys.
/// </summary>
internal sealed class JournalBudget(long limit)
{
    private readonly List<LocalStore> _stores = [];
    private readonly Lock _trimming = new();
    private long _used;

    public long Used => Volatile.Read(ref _used);

    public long Limit => limit;

    /// <summary>
    /// How much a stripe may be off before it says so: all stripes of all shards meet here, and the processors would pass the count
    /// between them at every write.
    /// </summary>
    public long Grain { get; } = limit / 8192;

    public void Add(long bytes) => Interlocked.Add(ref _used, bytes);

    /// <summary>While the cache is built.</summary>
    public void Register(LocalStore store) => _stores.Add(store);

    /// <summary>Called without a stripe's lock, after something was added.</summary>
    public void Trim()
    {
        if (Used <= limit)
        {
            return;
        }

        Debug.Assert(_stores.All(static store => store.All.All(static stripe => !stripe.Lock.IsHeldByCurrentThread)), "Who trims takes the stripes' locks one by one.");
        lock (_trimming)
        {
            // A sixteenth more than needed, or each further write would come here.
            var target = limit - (limit / 16);
            while (Used > limit)
            {
                var freed = Longest().DropOldest(Used - target);
                if (freed == 0)
                {
                    return;
                }
            }
        }
    }

    private LocalStore Longest() => _stores.MaxBy(static store => store.JournalBytes)!;
}
