using System.Buffers;

namespace ShardedCache.Failover;

/// <summary>
/// A payload that is to be kept, or none. A large one is copied at once, so that nobody waits for that under a stripe's lock; a small one
/// is copied when its entry is known, into the memory of the payload that it replaces.
/// </summary>
internal readonly struct PayloadSource
{
    private const int MaxSmall = 4096;

    private readonly ReadOnlySequence<byte> _small;
    private readonly bool _isSmall;

    private PayloadSource(in ReadOnlySequence<byte> small) => (_small, _isSmall) = (small, true);

    private PayloadSource(PayloadCopy large) => Large = large;

    public PayloadCopy? Large { get; }

    public static PayloadSource Of(in ReadOnlySequence<byte> payload) =>
        payload.Length <= MaxSmall ? new(payload) : new(PayloadCopy.Of(payload));

    /// <summary>The copy; null where there is no payload.</summary>
    public PayloadCopy? Take() => _isSmall ? PayloadCopy.Of(_small) : Large;

    /// <summary>Copies it into that memory, where that has the size for it.</summary>
    public bool TryOverwrite(ref PayloadCopy copy) => _isSmall && copy.TryOverwrite(_small);
}
