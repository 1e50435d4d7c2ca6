using System.Buffers;

namespace ShardedCache.Connections;

/// <summary>
/// What the cache asks of one server, entry by entry. Implemented by a live connection, where each command is sent at
/// once, and by a batch of it, where they are sent together.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Spans and argument lists are read before the call returns. A payload is not read after the returned task has
/// completed, whatever the outcome: the caller may recycle it then.</item>
/// <item>A destination is written to only before the returned task completes, from any one thread, and only with the
/// bytes of this reply; after a time-out or a cancellation nothing more is written to it.</item>
/// <item>Commands of one caller are executed in the order of the calls.</item>
/// <item>Cancellation abandons the wait at once and throws <see cref="OperationCanceledException"/>; the command may
/// still be executed. Every other failure is a <see cref="Reply"/>.</item>
/// <item>A returned value task is awaited exactly once: it may be pooled.</item>
/// <item>Continuations run on the thread pool, never on the thread that receives.</item>
/// </list>
/// </remarks>
internal interface IEntryCommands
{
    /// <summary><c>GET</c>: the stored bytes go to <paramref name="destination"/>, in order, from its current position.</summary>
    ValueTask<Reply> GetAsync(StoredKey key, IBufferWriter<byte> destination, CallMode mode, CancellationToken cancellationToken);

    /// <summary>
    /// <c>SET key header+payload PX timeToLive</c>: a value, or with an empty payload a tombstone. The time to live is
    /// sent in whole milliseconds, at least one; <see cref="Timeout.InfiniteTimeSpan"/>
    /// sends no <c>PX</c>: the entry never expires.
    /// </summary>
    ValueTask<Reply> SetAsync(
        StoredKey key, ReadOnlySpan<byte> header, ReadOnlySequence<byte> payload, TimeSpan timeToLive, CallMode mode, CancellationToken cancellationToken);

    /// <summary>
    /// <c>EVALSHA</c> of a script that takes one key and returns an integer or nil. One that the server does not know is sent once more as
    /// text, behind what was sent meanwhile: only then the order of the calls does not hold.
    /// </summary>
    ValueTask<Reply> RunAsync(
        StoredScript script, StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments, CallMode mode, CancellationToken cancellationToken);
}
