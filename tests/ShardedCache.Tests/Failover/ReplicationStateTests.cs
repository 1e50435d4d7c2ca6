using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

public class ReplicationStateTests
{
    private const string Old = "8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb";
    private const string New = "3a4f1c9d2b6e8f70112233445566778899aabbcc";
    private const string None = "0000000000000000000000000000000000000000";

    [Fact]
    public void A_master_tells_its_history_and_what_each_of_its_replicas_has_acknowledged()
    {
        var state = ReplicationState.Parse($"""
            # Replication
            role:master
            connected_slaves:4
            slave0:ip=10.0.0.2,port=6379,state=online,offset=1200,lag=0
            slave1:ip=fd00::2,port=6379,state=online,offset=900,lag=3
            slave2:ip=10.0.0.4,port=6379,state=wait_bgsave,offset=0,lag=0
            slave10:ip=10.0.0.5,port=6379,state=send_bulk,offset=0,lag=0
            master_failover_state:no-failover
            master_replid:{Old}
            master_replid2:{None}
            master_repl_offset:1234
            second_repl_offset:-1
            repl_backlog_active:1
            """);

        Assert.True(state.IsMaster);
        Assert.Equal(new ReplicationMark(Old, 1234), state.Mark);
        Assert.Equal([1200, 900], state.OnlineReplicas);
        Assert.Equal(2, state.OtherReplicas);
    }

    [Fact]
    public void A_master_without_replicas_has_none() =>
        Assert.Equal((0, 0), (Master(100).OnlineReplicas.Count, Master(100).OtherReplicas));

    [Theory]
    [InlineData("up", 0, 0, true, false)]
    [InlineData("down", 1, 0, false, true)]
    [InlineData("down", 0, 7, false, false)]
    public void A_replica_tells_of_its_link(string link, int syncing, int downFor, bool isUp, bool isSyncing)
    {
        var state = Replica(link, syncing, $"master_link_down_since_seconds:{downFor}");

        Assert.False(state.IsMaster);
        Assert.Equal((isUp, isSyncing), (state.IsLinkUp, state.IsSyncing));
        Assert.Equal(TimeSpan.FromSeconds(downFor), state.LinkDownFor);
    }

    [Fact]
    public void A_replica_that_never_had_a_link_does_not_say_how_long_it_is_down() =>
        Assert.Null(Replica("down", 0, "master_link_down_since_seconds:-1").LinkDownFor);

    [Fact]
    public void A_replica_whose_link_is_up_does_not_say_how_long_it_is_down() => Assert.Null(Replica("up", 0, "slave_priority:100").LinkDownFor);

    [Theory]
    [InlineData(Old, 99, true)]
    [InlineData(Old, 100, true)]
    [InlineData(Old, 101, false)]
    [InlineData(New, 50, false)]
    [InlineData("", 0, false)]
    [InlineData(null, 0, false)]
    public void A_master_has_what_its_own_history_has_reached(string? id, long offset, bool contains) =>
        Assert.Equal(contains, Master(100).Contains(new ReplicationMark(id!, offset)));

    [Theory]
    [InlineData(Old, 999, true)]
    [InlineData(Old, 1000, true)]
    [InlineData(Old, 1001, false)]
    [InlineData(Old, 1500, false)]
    [InlineData(New, 1500, true)]
    [InlineData(New, 1501, false)]
    public void A_promoted_replica_has_what_it_had_got_of_its_master_and_what_was_written_since(string id, long offset, bool contains)
    {
        // Redis says here the first offset that the promoted server wrote itself.
        var state = ReplicationState.Parse($"role:master\r\nmaster_replid:{New}\r\nmaster_replid2:{Old}\r\nmaster_repl_offset:1500\r\nsecond_repl_offset:1001\r\n");

        Assert.Equal(contains, state.Contains(new ReplicationMark(id, offset)));
    }

    [Fact]
    public void No_mark_is_in_the_former_history_of_a_server_that_had_none() =>
        Assert.False(Master(100).Contains(new ReplicationMark(None, 0)));

    [Fact]
    public void What_is_no_reply_of_that_kind_is_a_server_of_which_nothing_is_known()
    {
        var state = ReplicationState.Parse("nothing\r\n:\r\nslave0:x\r\nslave1:ip=,port=,state=online,offset=many\r\n");

        Assert.False(state.IsMaster);
        Assert.Equal(new ReplicationMark(string.Empty, 0), state.Mark);
        Assert.Equal([0], state.OnlineReplicas);
    }

    private static ReplicationState Master(long offset) => ReplicationState.Parse(
        $"role:master\r\nconnected_slaves:0\r\nmaster_replid:{Old}\r\nmaster_replid2:{None}\r\nmaster_repl_offset:{offset}\r\nsecond_repl_offset:-1\r\n");

    private static ReplicationState Replica(string link, int syncing, string more) => ReplicationState.Parse(
        $"role:slave\r\nmaster_host:10.0.0.1\r\nmaster_link_status:{link}\r\nmaster_sync_in_progress:{syncing}\r\nslave_repl_offset:5\r\n{more}\r\n");
}
