using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Shards;

/// <summary>
/// What an operation may still wait for others once its server has failed it, so that it keeps within its time-out however many of them
/// are as silent.
/// </summary>
internal readonly struct FallbackTime
{
    private readonly ShardContext _context;
    private readonly TimeSpan _total;
    private readonly long _start;

    private FallbackTime(ShardContext context, TimeSpan total) => (_context, _total, _start) = (context, total, context.Time.GetTimestamp());

    /// <summary>What is left is too little to tell a silent server from a busy one.</summary>
    public bool IsOver => Left < _context.Settings.OperationTimeout / 32;

    private TimeSpan Left => _total - _context.Time.GetElapsedTime(_start);

    /// <summary>Begins for who has waited for a time-out, or has lost his connection after an unknown part of one, or has asked nobody yet.</summary>
    public static FallbackTime After(ShardContext context, IServerConnection? asked, bool isLate)
    {
        var all = context.Settings.OperationTimeout;

        // A part is left to timers that are late themselves.
        return new(context, isLate ? (all - context.ServerTimeout) * 7 / 8 : asked is null ? all : all * 5 / 8);
    }

    /// <summary>Waits until it is known whether a replica can be read, at most for half of what is left: the other half is for asking it.</summary>
    public ValueTask WaitAsync(ReplicaSearch search, CallMode mode, CancellationToken cancellationToken) =>
        search.WaitAsync(IsOver ? TimeSpan.Zero : Left / 2, mode, cancellationToken);

    /// <summary>Asks another server; where the time is over this is a time-out at once.</summary>
    public async ValueTask<Reply> AskAsync(
        IServerConnection server, StoredKey key, EntryReader reader, CallMode mode, CancellationToken cancellationToken)
    {
        if (IsOver)
        {
            return Reply.TimedOut;
        }

        var left = Left;
        if (left >= _context.ServerTimeout)
        {
            return await server.GetAsync(key, reader, mode, cancellationToken).ConfigureAwait(false);
        }

        using var patience = new CancellationTokenSource(left, _context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return await server.GetAsync(key, reader, mode, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Reply.TimedOut;
        }
    }
}
