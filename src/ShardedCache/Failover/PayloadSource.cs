using System.Buffers;

namespace ShardedCache.Failover;

/// <summary>
/// A payload that is to be kept, or none. A large one is copied at once, so that nobody waits for that under a stripe's lock; a small one
/// is copied when its entry is known, into the memory of the payload that it replaces.
/// </summary>
internal readonly struct PayloadSource
{
    private const int MaxSmall = 4096;

    private readonly ReadOnlySequence<byte>? _small;

    private PayloadSource(ReadOnlySequence<byte>? small, PayloadCopy? large) => (_small, Large) = (small, large);

    public PayloadCopy? Large { get; }

    public static PayloadSource Of(in ReadOnlySequence<byte> payload) =>
        payload.Length <= MaxSmall ? new(payload, null) : new(null, PayloadCopy.Of(payload));

    /// <summary>The copy, in place of another one, which has ended with that; null where there is no payload.</summary>
    public PayloadCopy? Replace(PayloadCopy? replaced)
    {
        if (_small is { } small)
        {
            return PayloadCopy.Of(small, replaced);
        }

        replaced?.Return();
        return Large;
    }
}
