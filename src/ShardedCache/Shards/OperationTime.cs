using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Shards;

/// <summary>
/// When an operation began, so that all it waits for, one after the other, keeps within its time-out together, however many servers are
/// silent.
/// </summary>
internal readonly struct OperationTime
{
    /// <summary>Waits of this length need no timer for the rest.</summary>
    private static readonly TimeSpan Unnoticed = TimeSpan.FromMilliseconds(5);

    private readonly ShardContext _context;

    private OperationTime(ShardContext context, long began) => (_context, Began) = (context, began);

    /// <summary>By <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long Began { get; }

    /// <summary>Too little is left to ask anyone.</summary>
    public bool IsOver => Left < Shortest;

    // Less cannot tell a silent server from a busy one.
    private TimeSpan Shortest => _context.Settings.OperationTimeout / 64;

    // A part is left to timers that are late.
    private TimeSpan Whole => _context.Settings.OperationTimeout * 63 / 64;

    private TimeSpan Left
    {
        get
        {
            var all = _context.Settings.OperationTimeout;
            var gone = _context.Time.GetElapsedTime(Began);

            // A process that was stopped is late itself, whatever it does, and still wants its answer.
            return gone > 2 * all ? all / 16 : Whole - gone;
        }
    }

    public static OperationTime Begin(ShardContext context) => new(context, context.Time.GetTimestamp());

    /// <summary>That of an operation that began so long ago.</summary>
    public static OperationTime Resume(ShardContext context, TimeSpan gone) =>
        new(context, context.Time.GetTimestamp() - (long)(gone.TotalSeconds * context.Time.TimestampFrequency));

    /// <summary>Waits until it is known whether a replica can be read, at most for half of what is left: the other half is for asking it.</summary>
    public ValueTask WaitAsync(ReplicaSearch search, CallMode mode, CancellationToken cancellationToken)
    {
        var half = Left / 2;
        return half > TimeSpan.Zero ? search.WaitAsync(half, mode, cancellationToken) : default;
    }

    /// <summary>Ends the wait for a server that is asked now, where its own time-out would not do so in time, because others were waited for.</summary>
    public OperationLimit Limit(CancellationToken cancellationToken)
    {
        var slack = Shortest < Unnoticed ? Shortest : Unnoticed;
        var (left, nearlyWhole) = (Left, Whole - slack);
        return left >= (_context.ServerTimeout < nearlyWhole ? _context.ServerTimeout : nearlyWhole)
            ? new(null, cancellationToken)
            : new(new CancellationTokenSource(left > TimeSpan.Zero ? left * 7 / 8 : TimeSpan.Zero, _context.Time), cancellationToken);
    }

    /// <summary>
    /// Asks a server, and leaves a part of the time for another one. Null where this operation has no time for its answer, which says
    /// nothing of the server.
    /// </summary>
    public async ValueTask<Reply?> AskAsync(
        IServerConnection server, StoredKey key, EntryReader reader, CallMode mode, CancellationToken cancellationToken)
    {
        if (IsOver)
        {
            return null;
        }

        using var limit = Limit(cancellationToken);
        try
        {
            return await server.GetAsync(key, reader, mode, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}

/// <summary>The end of an operation's time, or of its caller's patience.</summary>
internal readonly struct OperationLimit(CancellationTokenSource? time, CancellationToken caller) : IDisposable
{
    private readonly CancellationTokenSource? _either = time is null ? null : CancellationTokenSource.CreateLinkedTokenSource(time.Token, caller);

    public CancellationToken Token => _either?.Token ?? caller;

    public void Dispose()
    {
        _either?.Dispose();
        time?.Dispose();
    }
}
