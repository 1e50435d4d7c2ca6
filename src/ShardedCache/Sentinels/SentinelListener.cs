using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>
/// Listens on one connection for what its Sentinel publishes of our shards. The connection's end ends it; that a silent
/// connection ends is assured by the polling over the same connection, each with a read deadline.
/// </summary>
internal sealed class SentinelListener(IReadOnlySet<string> shards, Action<string> onHint)
{
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _shards =
        new HashSet<string>(shards, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Ok, or the first refusal: the usual Sentinel user may not subscribe, and polling alone must do.</summary>
    public async Task<Reply> ListenAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        // One by one: where the first is refused the others are not asked for, and the Sentinel's ACL LOG keeps one line.
        var reply = Reply.Ok;
        foreach (var channel in SentinelHint.EarlyChannels.Prepend(SentinelHint.SwitchMaster))
        {
            if (reply.Kind == ReplyKind.Ok)
            {
                reply = await connection.SubscribeAsync(channel, OnMessage, cancellationToken).ConfigureAwait(false);
            }
        }

        return reply;
    }

    private void OnMessage(string channel, string message)
    {
        if (_shards.TryGetValue(SentinelHint.MasterName(channel, message), out var shard))
        {
            onHint(shard);
        }
    }
}
