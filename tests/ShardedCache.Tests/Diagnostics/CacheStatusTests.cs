using ShardedCache.Connections;
using ShardedCache.Diagnostics;
using ShardedCache.Shards;
using ShardedCache.Tests.Shards;

namespace ShardedCache.Tests.Diagnostics;

/// <summary>What a look at a cache from outside tells of a shard in each part of its life.</summary>
public sealed class CacheStatusTests : Outage
{
    private ShardStatus Status => ((IStatusSource)Cache).Status.Shards.Single();

    [Fact]
    public async Task Before_the_first_answer_it_is_connecting_and_nothing_is_known()
    {
        World.Start(mode: FailoverMode.LocalTier);

        Assert.Equal((ShardState.Connecting, null, null), (Status.State, Status.Master, Status.ReplicasOnline));
        World.Masters.Say(ShardWorld.Shard, A.Address);
        await World.UntilAsync(ShardState.Up);
    }

    [Fact]
    public async Task Up_it_tells_master_replicas_and_journal()
    {
        await StartWithReplicaAsync();
        A.Replication.Acknowledged = 0;
        await SetAsync("key", "value");

        Assert.Equal((ShardState.Up, A.Address, null, 1), (Status.State, Status.Master, Status.Fault, Status.ReplicasOnline?.Count));
        Assert.Equal((1, 0), (Status.JournalCount, Status.Undelivered));
        Assert.Equal(Cache.JournalBytes, Status.JournalBytes);

        A.Replication.Replicas = 0;
        await World.UntilAsync(() => Status.ReplicasOnline?.Count == 0);
        var since = Status.ReplicasOnline?.Since;
        await World.PollAsync(A, times: 3);
        Assert.Equal(since, Status.ReplicasOnline?.Since);
    }

    [Fact]
    public async Task Down_it_tells_why_and_since_when_through_all_states_until_it_is_up_again()
    {
        await StartWithReplicaAsync();
        A.IsDown = true;
        A.Break();
        await World.UntilNowAsync(() => Status.State == ShardState.Suspect);
        var since = Status.Since;
        await World.UntilAsync(ShardState.FailingOver);
        await SetAsync("key", "value");

        Assert.Equal((since, "connection refused", 1), (Status.Since, Status.Fault, Status.Undelivered));
        World.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(since, Status.Since);

        // A master that is verified and then does not tell its replication state: up and down between two states.
        A.Answer = static command => command == "INFO replication" ? ControlReply.FromError("ERR not now") : null;
        A.IsDown = false;
        await World.UntilAsync(() => World.Messages(303).Skip(2).Any());
        Assert.Equal(since, Status.Since);

        A.Answer = static _ => null;
        await World.UntilUpOnAsync(A);
        Assert.True(Status.Since > since);
        Assert.Null(Status.Fault);
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier, ShardState.Misconfigured)]
    [InlineData(FailoverMode.Throw, ShardState.Up)]
    internal async Task A_user_who_may_not_ask_INFO_is_a_wrong_configuration_where_a_journal_needs_it(FailoverMode mode, ShardState expected)
    {
        A.Answer = static command => command.StartsWith("INFO", StringComparison.Ordinal)
            ? ControlReply.FromError("NOPERM this user has no permissions to run the 'info' command")
            : null;
        World.Masters.Say(ShardWorld.Shard, A.Address);
        World.Start(mode: mode);

        await World.UntilAsync(expected);
    }

    [Fact]
    public async Task An_operation_that_is_refused_is_told_for_a_minute()
    {
        await StartAsync();
        FailNext(A, "set", "NOPERM this user has no permissions to run the 'set' command");
        await Assert.ThrowsAsync<ShardUnavailableException>(() => SetAsync("key", "value"));

        Assert.Contains("NOPERM", Status.Refusal?.Reason, StringComparison.Ordinal);
        World.Time.Advance(TimeSpan.FromSeconds(50));
        var since = Status.Refusal?.Since;
        FailNext(A, "set", "NOPERM this user has no permissions to run the 'set' command");
        await Assert.ThrowsAsync<ShardUnavailableException>(() => SetAsync("key", "value"));
        World.Time.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(since, Status.Refusal?.Since);
        World.Time.Advance(TimeSpan.FromSeconds(20));
        Assert.Null(Status.Refusal);
    }
}
