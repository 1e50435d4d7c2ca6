using ShardedCache.Connections;

namespace ShardedCache.Failover;

/// <summary>
/// Whose answers a stripe takes, and for which round of the proof. An object of its own: each answer, and each read, looks at it without the stripe's
/// lock, and beside what every write changes it would be in another processor's cache each time.
/// </summary>
internal sealed class StripeAnswers
{
    private int _owed;

    /// <summary>The round of the proof that covers what is acknowledged now.</summary>
    public long OpenRound { get; set; } = 1;

    /// <summary>The connection whose answers count; null before the first.</summary>
    public IServerConnection? Serving { get; set; }

    /// <summary>
    /// How many entries are owed (<see cref="LocalEntry.IsOwed"/>): while there are none, the master answers for every key. Changed under the
    /// stripe's lock.
    /// </summary>
    public int Owed
    {
        get => Volatile.Read(ref _owed);
        set => Volatile.Write(ref _owed, value);
    }
}
