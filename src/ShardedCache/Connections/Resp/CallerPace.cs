namespace ShardedCache.Connections.Resp;

/// <summary>
/// How long callers take when they go on: some ask for the next entry and are done, others render a page. It decides how many of them
/// follow one another on one thread, and for how many of them a command may be held back.
/// </summary>
internal sealed class CallerPace(TimeProvider time)
{
    private const int LongestBatch = 128;
    private const int QuickBatch = 8;

    // What waking another thread costs, roughly.
    private readonly long _patience = time.TimestampFrequency / 20_000;

    // A thread that helps contends with the first, takes a processor that the servers may need, and spins when it has nothing to do any
    // more: it must have some of the first one's work to spare.
    private readonly long _spare = time.TimestampFrequency / 2_000;
    private long _average = time.TimestampFrequency / 1_000_000;

    /// <summary>So many callers go on within the time that it would take another thread to help.</summary>
    public int BatchLength { get; private set; } = LongestBatch / 4;

    /// <summary>They take no longer than it takes to wake a thread.</summary>
    public bool AreQuick => BatchLength >= QuickBatch;

    public long Begin() => time.GetTimestamp();

    public void End(long started, int count)
    {
        if (count == 0)
        {
            return;
        }

        // One that was not given the processor looks slow: it counts, but not for much.
        var average = Volatile.Read(ref _average);
        var seen = Math.Min((time.GetTimestamp() - started) / count, 8 * average);
        average = Math.Max(1, ((7 * average) + seen) / 8);
        Volatile.Write(ref _average, average);
        BatchLength = (int)Math.Clamp(_patience / average, 1, LongestBatch);
    }

    /// <summary>Whether so many callers would wait so long for so many threads that another one helps.</summary>
    public bool NeedsHelp(int callers, int threads) => callers * Volatile.Read(ref _average) > threads * _spare;

    /// <summary>Whether callers that have not gone on since then are probably held up.</summary>
    public bool IsLong(long since, long now) => now - since > 2 * _patience;
}
