using ShardedCache.Connections;
using ShardedCache.Diagnostics;

namespace ShardedCache.Tests.Shards;

/// <summary>From the first moment without a master a later entry of a replica is read, and no copy hides it.</summary>
public sealed class ReplicaReadinessTests : Outage
{
    [Fact]
    public async Task A_replica_is_connected_before_its_master_fails()
    {
        await StartWithReplicaAsync();
        await SetAsync("key", "copy");
        await UntilProvenAsync();
        B.Store["key"] = Foreign("replica", 1);
        await UntilReadyAsync();

        A.IsDown = true;
        A.Break();

        Assert.Equal("replica", await GetAsync("key"));
    }

    [Fact]
    public async Task Where_none_is_connected_reads_wait_for_one()
    {
        await StartWithReplicaAsync();
        await SetAsync("key", "copy");
        await UntilProvenAsync();
        B.Store["key"] = Foreign("replica", 1);
        await UntilReadyAsync();
        B.IsSilent = true;
        B.Break();
        await World.UntilAsync(() => B.Connections.Count == 0);
        A.IsDown = true;
        A.Break();

        var read = GetAsync("key");

        Assert.False(read.IsCompleted);
        B.IsSilent = false;
        await World.UntilNowAsync(() => read.IsCompleted);
        Assert.Equal("replica", await read);
    }

    [Fact]
    public async Task What_the_journal_answers_waits_for_no_replica_and_the_rest_once_for_a_quarter_of_a_time_out()
    {
        await StartReadyAsync("key");
        B.IsSilent = true;
        B.Break();
        await World.UntilAsync(() => B.Connections.Count == 0);
        A.IsDown = true;
        A.Break();
        var before = World.Time.GetUtcNow();
        await SetAsync("written", "journal");

        Assert.Equal("journal", await GetAsync("written"));
        var read = GetAsync("key");
        await World.UntilAsync(() => read.IsCompleted);
        Assert.Equal("copy", await read);
        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(0.6));
        Assert.Equal("copy", await GetAsync("key"));
    }

    [Fact]
    public async Task A_replica_that_has_been_silent_when_its_master_fails_is_not_waited_for()
    {
        await StartReadyAsync("key");
        (B.IsStopped, B.Hangs) = (true, static command => command == "get");
        var before = World.Time.GetUtcNow();
        await World.UntilAsync(() => !IsReplicaReady, stepMilliseconds: 2);
        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(1.6));
        Assert.Single(B.Connections);
        A.IsDown = true;
        A.Break(ConnectionFaultKind.Silent);

        var read = GetAsync("key");
        await World.UntilNowAsync(() => read.IsCompleted);
        Assert.Equal("copy", await read);
        Assert.DoesNotContain(B.Sent, static sent => sent.Command == "get");
    }

    [Fact]
    public async Task Reads_of_a_replica_that_falls_silent_after_its_master_go_on_after_a_quarter_of_a_time_out()
    {
        await StartReadyAsync("key");
        A.IsDown = true;
        A.Break(ConnectionFaultKind.Silent);
        (B.IsStopped, B.Hangs) = (true, static command => command == "get");
        await World.UntilAsync(() => B.Unanswered > 0, stepMilliseconds: 2);
        var before = World.Time.GetUtcNow();

        var read = GetAsync("key");
        await World.UntilAsync(() => read.IsCompleted, stepMilliseconds: 1);

        Assert.Equal("copy", await read);
        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public async Task A_replica_that_has_answered_late_is_read_again_and_waited_for_where_it_is_lost()
    {
        await StartReadyAsync("key", "other");
        B.Store["other"] = Foreign("replica", 1);
        B.IsStopped = true;
        await World.UntilAsync(() => !IsReplicaReady);
        B.IsStopped = false;
        await World.UntilAsync(() => IsReplicaReady);
        A.IsDown = true;
        A.Break(ConnectionFaultKind.Silent);
        Assert.Equal("replica", await GetAsync("other"));

        B.Store["key"] = Foreign("replica", 1);
        B.IsSilent = true;
        B.Break();
        await AssertWaitsForReplicaAsync();
    }

    [Fact]
    public async Task A_silent_replica_that_has_ended_while_its_master_served_is_waited_for_in_the_next_outage()
    {
        await StartReadyAsync("key");
        B.Store["key"] = Foreign("replica", 1);
        (B.IsStopped, B.IsSilent) = (true, true);
        await World.UntilAsync(() => !IsReplicaReady);
        B.Break(ConnectionFaultKind.Silent);
        B.IsStopped = false;
        await World.UntilAsync(() => B.Knocks > 0);
        A.IsDown = true;
        A.Break(ConnectionFaultKind.Silent);

        await AssertWaitsForReplicaAsync();
    }

    [Fact]
    public async Task A_replica_that_was_silent_and_closes_its_connections_in_an_outage_is_waited_for()
    {
        await StartReadyAsync("key");
        B.Store["key"] = Foreign("replica", 1);
        (B.IsStopped, B.IsSilent) = (true, true);
        await World.UntilAsync(() => !IsReplicaReady);
        A.IsDown = true;
        A.Break(ConnectionFaultKind.Silent);
        B.Break();
        B.IsStopped = false;
        await AssertWaitsForReplicaAsync();
    }

    [Fact]
    public async Task A_replica_whose_first_answer_takes_long_in_an_outage_keeps_its_connection()
    {
        await StartReadyAsync("key");
        B.Store["key"] = Foreign("replica", 1);
        B.IsSilent = true;
        B.Break();
        await World.UntilAsync(() => B.Knocks > 0);
        A.IsDown = true;
        A.Break(ConnectionFaultKind.Silent);
        (B.IsStopped, B.IsSilent) = (true, false);
        await World.UntilAsync(() => B.Unanswered > 0, stepMilliseconds: 2);
        var connection = Assert.Single(B.Connections);

        await World.PassAsync(0.6);

        Assert.Same(connection, Assert.Single(B.Connections));
        B.IsStopped = false;
        await World.UntilNowAsync(() => IsReplicaReady);
        Assert.Equal("replica", await GetAsync("key"));
    }

    [Fact]
    public async Task A_read_keeps_within_its_time_out_where_the_replica_is_as_silent_as_the_master()
    {
        await StartReadyAsync("key");
        A.Hangs = B.Hangs = static command => command == "get";
        var before = World.Time.GetUtcNow();

        var read = GetAsync("key");
        await World.UntilAsync(() => read.IsCompleted);

        Assert.Equal("copy", await read);
        Assert.Contains(B.Sent, static sent => sent.Command == "get");
        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.FromSeconds(0.8), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_read_keeps_within_its_time_out_where_the_master_is_back_and_silent_again_and_so_is_the_replica()
    {
        await StartReadyAsync("key");
        A.Hangs = B.Hangs = static command => command == "get";
        var before = World.Time.GetUtcNow();
        var read = GetAsync("key");
        World.Time.Advance(TimeSpan.FromSeconds(0.7));
        B.IsSilent = true;
        B.Break();
        await World.UntilNowAsync(() => B.Connections.Count == 0);
        A.Break(ConnectionFaultKind.Silent);
        await World.UntilAsync(() => A.Sent.Count(static sent => sent.Command == "get") == 2, stepMilliseconds: 1);
        B.IsSilent = false;

        await World.UntilAsync(() => read.IsCompleted);

        Assert.Equal("copy", await read);
        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_read_that_waited_for_the_master_in_vain_finds_the_replica_that_closes_its_connections_just_then()
    {
        await StartReadyAsync("key");
        B.Store["key"] = Foreign("replica", 1);
        A.Hangs = static command => command == "get";
        B.Hangs = command =>
        {
            B.Hangs = static _ => false;
            B.Break();
            return true;
        };

        var read = GetAsync("key");
        (A.IsDown, A.Hangs) = (true, static _ => false);
        A.Break(ConnectionFaultKind.Silent);
        await World.UntilAsync(() => read.IsCompleted);

        Assert.Equal("replica", await read);
    }

    [Fact]
    public async Task Many_reads_that_waited_for_the_master_in_vain_wait_for_a_replica_together()
    {
        string[] keys = ["a", "b", "c", "d", "e"];
        await StartReadyAsync(keys);
        B.IsSilent = true;
        B.Break();
        await World.UntilAsync(() => B.Connections.Count == 0);
        A.Hangs = static command => command == "get";
        var read = Cache.GetManyAsync(keys, Token);
        var before = World.Time.GetUtcNow();
        A.IsDown = true;
        A.Break(ConnectionFaultKind.Silent);

        await World.UntilAsync(() => read.IsCompleted);

        Assert.All(await read, static value => Assert.Equal("copy", Text(value)));
        Assert.InRange(World.Time.GetUtcNow() - before, TimeSpan.FromSeconds(0.05), TimeSpan.FromSeconds(0.3));
    }

    [Fact]
    public async Task A_replica_that_was_promoted_is_read_before_the_Sentinels_name_it()
    {
        await StartReadyAsync("key");
        await FailAsync();
        B.TakeOverFrom(A);
        B.Store["key"] = Foreign("replica", 1);
        B.Break();

        Assert.Equal("replica", await ReadAsync());
        await PromoteAsync();
        Assert.Equal("replica", await GetAsync("key"));
    }

    [Fact]
    public async Task A_master_of_another_history_is_not_read_where_a_replica_was()
    {
        await StartReadyAsync("key");
        await FailAsync();
        B.Role = "master";
        B.Replication.Id = "another";
        B.Store["key"] = Foreign("replica", 1);
        B.Break();

        Assert.Equal("copy", await ReadAsync());
    }

    /// <summary>It is silent, and being connected anew.</summary>
    private async Task AssertWaitsForReplicaAsync()
    {
        await World.UntilNowAsync(() => B.Knocks > 0);
        var read = GetAsync("key");
        Assert.False(read.IsCompleted);
        B.IsSilent = false;
        await World.UntilNowAsync(() => read.IsCompleted);
        Assert.Equal("replica", await read);
    }

    private bool IsReplicaReady => ((IStatusSource)Cache).Status.Shards[0].IsReplicaReady;

    private async Task<string?> ReadAsync()
    {
        var read = GetAsync("key");
        await World.UntilAsync(() => read.IsCompleted);
        return await read;
    }

    /// <summary>With copies of these keys, proven to be on the replica, and a connection to it.</summary>
    private async Task StartReadyAsync(params string[] keys)
    {
        await StartWithReplicaAsync();
        foreach (var key in keys)
        {
            await SetAsync(key, "copy");
        }

        await UntilProvenAsync();
        await UntilReadyAsync();
    }

    /// <summary>A round of checks has found it fit.</summary>
    private Task UntilReadyAsync() =>
        World.UntilAsync(() => B.Connections.Count > 0 && B.Commands.Count(static command => command == "INFO replication") > 1);
}
