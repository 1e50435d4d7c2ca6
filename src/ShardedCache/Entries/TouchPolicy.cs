namespace ShardedCache.Entries;

/// <summary>
/// How long a sliding entry is kept by its server, and how often a read must say so. Short windows are touched on every
/// read. Longer ones get 1/16 more than their window, so that a read within 1/16 of the last touch needs none: the entry
/// still lives a whole window from that read, and at most 1/16 longer.
/// </summary>
internal static class TouchPolicy
{
    public const long ShortestSkippedWindow = 10_000;

    private const int Slack = 16;

    /// <summary>For how many milliseconds after a touch a further one can be left out; 0 for short windows.</summary>
    public static long SkipMilliseconds(long windowMilliseconds) =>
        windowMilliseconds < ShortestSkippedWindow ? 0 : windowMilliseconds / Slack;

    /// <summary>
    /// The milliseconds to live that a set or a touch gives to a sliding entry, at <paramref name="nowMilliseconds"/> by
    /// the shard's clock. Zero or less: the absolute expiration has come.
    /// </summary>
    public static long TimeToLive(in EntryHeader header, long nowMilliseconds)
    {
        var life = header.SlidingMilliseconds + SkipMilliseconds(header.SlidingMilliseconds);
        return header.IsAbsolute ? Math.Min(life, header.AbsoluteMilliseconds - nowMilliseconds) : life;
    }
}
