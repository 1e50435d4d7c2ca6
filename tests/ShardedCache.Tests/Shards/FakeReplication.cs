using ShardedCache.Connections;

namespace ShardedCache.Tests.Shards;

/// <summary>What a fake server says of its replication: its history grows by one with each write.</summary>
internal sealed class FakeReplication
{
    private long _offset;

    public string Id { get; set; } = "replication-1";

    public string FormerId { get; set; } = new('0', 40);

    /// <summary>The first offset that is not of the former history.</summary>
    public long FormerEnd { get; set; } = -1;

    public long Offset => Master is { } master ? master.Acknowledged ?? master.Offset : Interlocked.Read(ref _offset);

    /// <summary>Of a replica: what it follows; null: it has stood still from the beginning.</summary>
    public FakeReplication? Master { get; set; }

    /// <summary>How many replicas are online.</summary>
    public int Replicas { get; set; }

    /// <summary>What they say to have; null: everything.</summary>
    public long? Acknowledged { get; set; }

    /// <summary>Of a replica: <c>up</c> or <c>down</c>, and since when.</summary>
    public string Link { get; set; } = "up";

    public int LinkDownSeconds { get; set; }

    public void Advance() => Interlocked.Increment(ref _offset);

    public void ContinueFrom(FakeReplication former, long offset)
    {
        (Id, FormerId, FormerEnd, Master) = (former.Id + "'", former.Id, offset + 1, null);
        Interlocked.Exchange(ref _offset, offset);
    }

    public string Info()
    {
        var offset = Offset;
        var replicas = Enumerable.Range(0, Replicas).Select(i => $"slave{i}:ip=10.1.0.{2 + i},port=6379,state=online,offset={Acknowledged ?? offset},lag=0");
        string[] lines =
        [
            $"connected_slaves:{Replicas}", .. replicas, $"master_link_status:{Link}", "master_sync_in_progress:0",
            .. Link == "up" ? (string[])[] : [$"master_link_down_since_seconds:{LinkDownSeconds}"],
            $"master_replid:{Id}", $"master_replid2:{FormerId}", $"master_repl_offset:{offset}", $"second_repl_offset:{FormerEnd}",
        ];
        return string.Join("\r\n", lines) + "\r\n";
    }

    public IEnumerable<ControlReply> RoleItems()
    {
        var offset = Offset;
        var replica = new ControlReply(ControlReplyKind.Array)
        {
            Items = [ControlReply.FromText("10.1.0.2"), ControlReply.FromText("6379"), ControlReply.FromText($"{Acknowledged ?? offset}")],
        };
        yield return new ControlReply(ControlReplyKind.Integer) { Integer = offset };
        yield return new ControlReply(ControlReplyKind.Array) { Items = [.. Enumerable.Repeat(replica, Replicas)] };
    }
}
