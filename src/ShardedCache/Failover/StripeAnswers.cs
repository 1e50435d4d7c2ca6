using ShardedCache.Connections;

namespace ShardedCache.Failover;

/// <summary>
/// Whose answers a stripe takes, and for which round of the proof. An object of its own: each answer reads it without the stripe's lock, and
/// beside what every write changes it would be in another processor's cache each time.
/// </summary>
internal sealed class StripeAnswers
{
    /// <summary>The round of the proof that covers what is acknowledged now.</summary>
    public long OpenRound { get; set; } = 1;

    /// <summary>The connection whose answers count; null before the first.</summary>
    public IServerConnection? Serving { get; set; }
}
