using System.Text;
using ShardedCache.Connections;
using ShardedCache.Sharding;

namespace ShardedCache.Shards;

/// <summary>
/// Keeps clients with different sharding rules from using the same shard: the rule is registered under a reserved key,
/// checked on every new connection and at every poll, and registered again when it has vanished.
/// </summary>
internal sealed class RuleGuard(RuleRecord rule)
{
    /// <summary>What a shard that lost its record gets again: also an operator's record of a change that is under way.</summary>
    private RuleRecord? _lastAccepted;

    /// <summary>Returns why the shard must not be used, or null.</summary>
    public async ValueTask<ShardRefusal?> CheckAsync(IServerConnection connection, CancellationToken cancellationToken)
    {
        var found = await connection.ExecuteAsync(new[] { "GET", RuleRecord.Key }, cancellationToken).ConfigureAwait(false);
        if (found.Kind == ControlReplyKind.Nil)
        {
            // NX and GET together: when two clients register at the same moment, the second learns the first one's rule.
            found = await connection.ExecuteAsync(new[] { "SET", RuleRecord.Key, Encoding.UTF8.GetString((_lastAccepted ?? rule).ToBytes()), "NX", "GET" }, cancellationToken).ConfigureAwait(false);
            if (found.Kind == ControlReplyKind.Nil || found.Error is ServerErrorCode.Misconf or ServerErrorCode.NoReplicas or ServerErrorCode.OutOfMemory)
            {
                // A server that cannot write now still serves reads; the next poll registers the rule.
                return null;
            }
        }

        if (found.Error == ServerErrorCode.WrongType)
        {
            return ShardRefusal.Configuration($"the reserved key '{RuleRecord.Key}' holds something that is not a sharding rule");
        }

        if (found.Kind != ControlReplyKind.Text)
        {
            return ShardRefusal.From("GET", found);
        }

        if (!RuleRecord.TryParse(found.Bytes.Span, out var registered))
        {
            return ShardRefusal.Configuration($"the reserved key '{RuleRecord.Key}' holds a sharding rule that this version cannot read");
        }

        if (!registered.Accepts(rule))
        {
            return ShardRefusal.Configuration(
                $"its registered sharding rule is [{registered}], this client is configured with [{rule}]; " +
                $"give all clients the same shards, or change the rule deliberately as docs/sharding-rule.md describes (a rule registered by mistake: delete '{RuleRecord.Key}' on every shard)");
        }

        _lastAccepted = registered;
        return null;
    }
}
