using ShardedCache.Connections;
using ShardedCache.Sentinels;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

public sealed class SupervisorTests : IAsyncDisposable
{
    private readonly ShardWorld _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_new_master_is_followed_and_the_old_one_is_left_though_it_still_answers()
    {
        await _world.StartUpAsync();

        _world.Masters.Say(ShardWorld.Shard, _world.B.Address);

        await _world.UntilNowAsync(() => _world.Now.State == ShardState.Up && _world.Now.Master == _world.B.Address);
        Assert.Empty(_world.A.Connections);
    }

    [Fact]
    public async Task An_old_master_that_returns_as_a_master_is_not_served_again_before_the_Sentinels_have_been_asked_anew()
    {
        await _world.StartUpAsync();
        var answer = new TaskCompletionSource();
        _world.Masters.Answer = answer.Task;
        _world.A.Break();
        await _world.UntilAsync(() => _world.A.Commands.Count(static command => command == "ROLE") > 1);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        await Task.Delay(20, Token);
        Assert.NotEqual(ShardState.Up, _world.Now.State);

        _world.Masters.Say(ShardWorld.Shard, _world.B.Address);
        answer.SetResult();

        await _world.UntilUpOnAsync(_world.B);
        Assert.DoesNotContain(_world.Messages(300).Skip(1), message => message.Contains(_world.A.Address.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nor_is_a_master_served_that_was_first_tried_in_vain()
    {
        var answer = new TaskCompletionSource();
        _world.Masters.Answer = answer.Task;
        _world.A.IsDown = true;
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        _world.Start();
        await _world.UntilAsync(ShardState.FailingOver);
        _world.A.IsDown = false;
        await _world.UntilAsync(() => _world.A.Commands.Contains("ROLE"));
        await Task.Delay(20, Token);
        Assert.NotEqual(ShardState.Up, _world.Now.State);

        _world.Masters.Say(ShardWorld.Shard, _world.B.Address);
        answer.SetResult();

        await _world.UntilUpOnAsync(_world.B);
        Assert.Single(_world.Messages(300));
    }

    [Fact]
    public async Task An_attempt_at_an_address_that_says_nothing_ends_when_another_is_named()
    {
        _world.A.IsSilent = true;
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        _world.Start();
        await _world.UntilNowAsync(() => _world.Attempts == 1);

        _world.Masters.Say(ShardWorld.Shard, _world.B.Address);

        await _world.UntilNowAsync(() => _world.Now.State == ShardState.Up);
    }

    [Fact]
    public async Task A_check_of_a_stopped_server_ends_when_another_is_named()
    {
        await _world.StartUpAsync();
        _world.A.IsStopped = true;
        await Task.Delay(20, Token);
        _world.Time.Advance(TimeSpan.FromSeconds(1.5));
        await Task.Delay(20, Token);

        _world.Masters.Say(ShardWorld.Shard, _world.B.Address);

        await _world.UntilNowAsync(() => _world.Now.State == ShardState.Up && _world.Now.Master == _world.B.Address);
    }

    [Fact]
    public async Task An_attempt_goes_on_when_the_same_master_is_named_with_other_replicas()
    {
        _world.A.IsSilent = true;
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        _world.Start();
        await _world.UntilNowAsync(() => _world.Attempts == 1);

        for (var replicas = 1; replicas < 5; replicas++)
        {
            _world.Masters.Say(ShardWorld.Shard, _world.A.Address, replicas);
            await Task.Delay(5, Token);
            _world.Time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal(1, _world.Attempts);
    }

    [Fact]
    public async Task A_master_that_is_replaced_while_it_is_checked_never_serves()
    {
        _world.A.Answer = command =>
        {
            if (command.StartsWith("INFO", StringComparison.Ordinal))
            {
                _world.Masters.Say(ShardWorld.Shard, _world.B.Address);
            }

            return null;
        };
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        _world.Start();

        await _world.UntilUpOnAsync(_world.B);
        Assert.Single(_world.Messages(300));
    }

    [Fact]
    public async Task A_server_that_does_not_say_its_role_is_not_reported_as_a_replica()
    {
        await _world.StartUpAsync();
        _world.A.Answer = command => command == "ROLE" ? ControlReply.FromError("BUSY Redis is busy running a script.") : null;
        await _world.UntilAsync(ShardState.FailingOver);

        Assert.DoesNotContain(_world.Masters.Roles, report => report.Role == ServerRole.Replica);
        Assert.Contains("BUSY", _world.Now.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replica_is_reported_as_one_and_never_serves()
    {
        _world.A.Role = "slave";
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        _world.Start();

        await _world.UntilAsync(ShardState.FailingOver);
        Assert.Contains(_world.Masters.Roles, report => report == (_world.A.Address, ServerRole.Replica));
        Assert.DoesNotContain(_world.A.Commands, static command => command != "ROLE");
    }

    [Fact]
    public async Task A_check_that_is_late_behind_a_large_reply_does_not_end_the_connection()
    {
        await _world.StartUpAsync();
        _world.A.Answer = static command => command == "ROLE" ? ControlReply.TimedOut : null;
        await _world.PollAsync(_world.A, times: 3);

        Assert.Equal(ShardState.Up, _world.Now.State);
        Assert.Equal(1, _world.A.Opened);
    }

    [Fact]
    public async Task A_broken_connection_is_replaced_and_ended_on_the_server_by_its_id()
    {
        await _world.StartUpAsync();
        _world.A.Break();

        await _world.UntilAsync(() => _world.A.Opened == 2 && _world.Now.State == ShardState.Up);
        Assert.Contains("CLIENT KILL ID 1", _world.A.Commands);
    }

    [Fact]
    public async Task What_served_last_is_ended_also_when_the_next_connections_break_before_they_serve()
    {
        await _world.StartUpAsync();
        _world.A.Answer = command =>
        {
            if (command.StartsWith("INFO", StringComparison.Ordinal) && _world.A.Opened < 4)
            {
                _world.A.Break();
                return ControlReply.ConnectionLost;
            }

            return null;
        };
        _world.A.Break();

        await _world.UntilAsync(() => _world.A.Opened == 4 && _world.Now.State == ShardState.Up);
        Assert.Equal("CLIENT KILL ID 1", Assert.Single(_world.A.Commands, static command => command.StartsWith("CLIENT KILL", StringComparison.Ordinal)));
        Assert.Equal(2, _world.Messages(300).Count());
    }

    [Theory]
    [InlineData("INFO")]
    [InlineData("CLIENT KILL")]
    public async Task What_served_last_is_ended_also_where_the_server_was_busy_at_first(string refused)
    {
        await _world.StartUpAsync();
        _world.A.Answer = command => command.StartsWith(refused, StringComparison.Ordinal) && _world.A.Opened < 4
            ? ControlReply.FromError("BUSY Redis is busy running a script.")
            : null;
        _world.A.Break();

        await _world.UntilAsync(() => _world.A.Opened == 4 && _world.Now.State == ShardState.Up);
        Assert.Equal("CLIENT KILL ID 1", _world.A.Commands.Last(static command => command.StartsWith("CLIENT KILL", StringComparison.Ordinal)));
        Assert.Equal(2, _world.Messages(300).Count());
    }

    [Theory]
    [InlineData("6.2.14", FailoverMode.LocalTier, ShardState.Misconfigured)]
    [InlineData("6.2.14", FailoverMode.Throw, ShardState.Misconfigured)]
    [InlineData("7.0.0", FailoverMode.LocalTier, ShardState.Up)]
    [InlineData("255.255.255", FailoverMode.LocalTier, ShardState.Up)]
    internal async Task A_server_that_is_too_old_for_the_scripts_is_refused_with_its_version(string version, FailoverMode mode, ShardState state)
    {
        _world.A.Version = version;
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        _world.Start(mode: mode);

        await _world.UntilAsync(state);
        Assert.Equal(state == ShardState.Misconfigured ? $"{_world.A.Address} is Redis {version}, and the cache needs 7.0 or later" : null, _world.Now.Reason);
    }

    [Fact]
    public async Task A_restarted_server_is_told_of_and_no_client_of_it_is_ended()
    {
        await _world.StartUpAsync();
        _world.A.RunId = "run-2";
        _world.A.Break();

        await _world.UntilAsync(() => _world.A.Opened == 2 && _world.Now.State == ShardState.Up);
        Assert.DoesNotContain(_world.A.Commands, static command => command.StartsWith("CLIENT KILL", StringComparison.Ordinal));
        Assert.Single(_world.Messages(304));
    }

    [Theory]
    [InlineData("replication-1", 0)]
    [InlineData("0000000000000000000000000000000000000000", 1)]
    public async Task A_new_master_that_does_not_continue_the_old_ones_data_is_told_of(string formerId, int warnings)
    {
        await _world.StartUpAsync();
        (_world.B.Replication.Id, _world.B.Replication.FormerId) = ("replication-2", formerId);

        _world.Masters.Say(ShardWorld.Shard, _world.B.Address);

        await _world.UntilUpOnAsync(_world.B);
        Assert.Equal(warnings, _world.Messages(308).Count());
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000", 0)]
    [InlineData("replication-of-another", 1)]
    public async Task Of_the_same_process_that_is_said_once_and_only_where_it_has_taken_another_server_s_data(string formerId, int warnings)
    {
        await _world.StartUpAsync();
        (_world.A.Replication.Id, _world.A.Replication.FormerId) = ("replication-2", formerId);
        _world.A.Answer = command => command.StartsWith("CLIENT KILL", StringComparison.Ordinal) && _world.A.Opened < 4
            ? ControlReply.FromError("BUSY Redis is busy running a script.")
            : null;
        _world.A.Break();

        await _world.UntilAsync(() => _world.A.Opened == 4 && _world.Now.State == ShardState.Up);
        Assert.Equal(warnings, _world.Messages(308).Count());
        Assert.Equal("CLIENT KILL ID 1", _world.A.Commands.Last(static command => command.StartsWith("CLIENT KILL", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_process_that_was_paused_asks_the_Sentinels_and_one_that_was_not_leaves_them_alone()
    {
        await _world.StartUpAsync();
        await _world.PollAsync(_world.A, times: 3);
        var before = _world.Masters.Refreshes;
        Assert.Equal(0, before);

        _world.Time.Advance(TimeSpan.FromSeconds(30));

        await _world.UntilNowAsync(() => _world.Masters.Refreshes > before);
        Assert.Equal(ShardState.Up, _world.Now.State);
    }

    [Fact]
    public async Task A_connection_that_never_lives_long_does_not_flood_the_log()
    {
        await _world.StartUpAsync();
        var began = _world.Time.GetUtcNow();
        await _world.UntilAsync(() =>
        {
            if (_world.Now.State == ShardState.Up)
            {
                _world.A.Break();
            }

            return _world.Time.GetUtcNow() - began > TimeSpan.FromSeconds(10);
        });

        Assert.InRange(_world.Messages(300).Count(), 2, 30);
    }

    [Fact]
    public async Task An_error_that_nobody_expected_is_logged_and_survived()
    {
        _world.A.Answer = static command => command == "TIME" ? ControlReply.FromText("x") with { Kind = ControlReplyKind.Array, Items = [ControlReply.FromText("x"), ControlReply.FromText("y")] } : null;
        _world.Masters.Say(ShardWorld.Shard, _world.A.Address);
        _world.Start();
        await _world.UntilAsync(() => _world.Messages(306).Any());

        _world.A.Answer = static _ => null;

        await _world.UntilAsync(ShardState.Up);
        Assert.Single(_world.A.Connections);
    }

    [Fact]
    public async Task Also_where_the_master_serves_already_and_no_other_is_named_for_the_reason()
    {
        await _world.StartUpAsync(mode: FailoverMode.LocalTier);
        _world.A.IsDown = true;
        _world.A.Break();
        await _world.UntilAsync(ShardState.FailingOver);
        await _world.Cache.SetAsync("key", [1], new(), Token);
        _world.A.AnswerLater = static command => command == "replay" ? Task.FromException<Reply>(new InvalidOperationException()) : null;
        _world.A.IsDown = false;
        await _world.UntilAsync(() => _world.Messages(306).Any());

        _world.A.AnswerLater = static _ => null;

        await _world.UntilAsync(ShardState.Up);
        Assert.Contains(_world.Messages(301), static message => message.EndsWith("an internal error, see the log", StringComparison.Ordinal));
        Assert.DoesNotContain(_world.Messages(301), static message => message.Contains("another master", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_vague_first_measurement_of_the_time_does_where_the_next_one_fails()
    {
        var asked = 0;
        _world.A.Answer = command =>
        {
            if (command == "TIME" && ++asked == 1)
            {
                _world.Time.Advance(TimeSpan.FromMilliseconds(50));
            }

            return command == "TIME" && asked == 2 ? ControlReply.FromError("ERR not now") : null;
        };

        await _world.StartUpAsync();

        Assert.InRange(asked, 2, int.MaxValue);
        Assert.Equal(1, _world.A.Opened);
    }

    [Fact]
    public async Task A_rule_that_is_overwritten_stops_the_shard_with_both_rules_named_until_it_is_restored()
    {
        await _world.StartUpAsync();
        var ours = _world.A.Store["__shardedcache:rule"];
        _world.A.Store["__shardedcache:rule"] = "version=1\ncurrent=another|shard-0\n"u8.ToArray();

        await _world.UntilAsync(ShardState.Misconfigured);
        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => _world.Cache.GetAsync("key", Token));
        Assert.Contains("[version 1 over another|shard-0]", exception.Reason, StringComparison.Ordinal);
        Assert.Contains("[version 1 over shard-0]", exception.Reason, StringComparison.Ordinal);
        await _world.UntilAsync(() => _world.A.Opened > 3);
        Assert.Single(_world.Messages(302));

        _world.A.Store["__shardedcache:rule"] = ours;

        await _world.UntilAsync(ShardState.Up);
        Assert.Null(await _world.Cache.GetAsync("key", Token));
    }
}
