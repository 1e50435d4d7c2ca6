using ShardedCache.Connections;

namespace ShardedCache.Shards;

/// <summary>What is known of one shard at one moment: what logs, metrics and status pages read. Swapped whole, never changed.</summary>
internal sealed record ShardSnapshot(string Name, ShardState State, DateTimeOffset Since, ServerAddress? Master, string? Reason)
{
    /// <summary>Since when it is not up, through whatever states; where it is up, since when it is.</summary>
    public DateTimeOffset UpOrNotSince { get; init; } = Since;
}

/// <summary>The shard's state machine: pure, so that every path through it can be tested without a server.</summary>
internal static class ShardLifecycle
{
    public static ShardState Next(ShardState state, ShardEvent happened) => (state, happened) switch
    {
        (_, ShardEvent.Verified) => ShardState.Recovering,
        (ShardState.Recovering, ShardEvent.Ready) => ShardState.Up,
        (ShardState.Up, ShardEvent.Lost or ShardEvent.AttemptFailed) => ShardState.Suspect,
        (ShardState.Recovering, ShardEvent.Lost) => ShardState.FailingOver,
        (_, ShardEvent.AttemptFailed) => ShardState.FailingOver,
        (_, ShardEvent.Refused) => ShardState.Misconfigured,
        _ => state,
    };
}
