using System.Buffers;

namespace ShardedCache.Failover;

/// <summary>
/// A payload that is to be kept. A large one is copied at once, so that nobody waits for that under a stripe's lock; a small one is copied
/// when its entry is known, into the memory of the payload that it replaces.
/// </summary>
internal readonly struct PayloadSource
{
    private const int MaxSmall = 4096;

    private readonly ReadOnlySequence<byte> _small;

    private PayloadSource(in ReadOnlySequence<byte> small, PayloadCopy? large) => (_small, Large) = (small, large);

    public PayloadCopy? Large { get; }

    public static PayloadSource Of(in ReadOnlySequence<byte> payload) =>
        payload.Length <= MaxSmall ? new(payload, null) : new(default, PayloadCopy.Of(payload));

    /// <summary>The copy, in place of another one, which has ended with that.</summary>
    public PayloadCopy Replace(PayloadCopy? replaced)
    {
        if (Large is { } large)
        {
            replaced?.Return();
            return large;
        }

        return PayloadCopy.Of(_small, replaced);
    }
}
