using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>What a session costs its server, and what it leaves there.</summary>
public sealed class SessionRoundTripTests : IAsyncLifetime
{
    private SessionFarm _farm = null!;

    public async ValueTask InitializeAsync() =>
        _farm = await SessionFarm.StartAsync(new RedisFarmOptions { ReplicasPerShard = 0, Sentinels = 0 });

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Fact]
    public async Task A_request_that_changes_nothing_sends_one_command_and_one_that_changes_something_two()
    {
        var site = await _farm.JoinAsync();
        var visitor = new Visitor();
        await visitor.SetAsync(site, ("a", "1"));

        // The first read may prolong the session's life; the next ones within a sixteenth of its window need not.
        await visitor.ReadAsync(site);
        await SpendsAsync((100, 0), 100, () => visitor.ReadAsync(site));
        await SpendsAsync((100, 0), 100, () => visitor.AtAsync(site, static session => session.Remove("b")));
        await SpendsAsync((100, 100), 100, () => visitor.SetAsync(site, ("a", "2")));
        await SpendsAsync((0, 0), 100, () => visitor.SendAsync(site, static _ => Task.CompletedTask));
    }

    [Fact]
    public async Task A_session_with_a_short_window_is_prolonged_behind_the_read_that_nobody_waits_for()
    {
        var site = await _farm.JoinAsync(session: static options => options.IdleTimeout = TimeSpan.FromSeconds(9));
        var visitor = new Visitor();
        await visitor.SetAsync(site, ("a", "1"));

        await SpendsAsync((20, 20), 20, () => visitor.ReadAsync(site));
        await SpendsAsync((0, 20), 20, () => visitor.SendAsync(site, static _ => Task.CompletedTask));
    }

    [Fact]
    public async Task A_new_session_costs_nothing_before_it_is_written_and_one_command_then()
    {
        var site = await _farm.JoinAsync();

        await SpendsAsync((0, 0), 50, () => new Visitor().ReadAsync(site));
        Assert.Empty(await _farm.StoredAsync());
        await SpendsAsync((0, 50), 50, () => new Visitor().SetAsync(site, ("a", "1")));
        Assert.Equal(50, (await _farm.StoredAsync()).Count);
    }

    [Fact]
    public async Task A_session_that_has_gone_while_its_request_went_on_is_written_whole_by_one_command_more()
    {
        var site = await _farm.JoinAsync();
        var visitor = new Visitor();
        await visitor.SetAsync(site, ("a", "1"), ("user", "u"));
        var request = await visitor.BeginAsync(site);
        request.Session.SetString("a", "2");
        await _farm.Master.ExecuteAsync("DEL", Assert.Single(await _farm.StoredAsync()));

        // The first of the two reads the key and does not write it, and so counts as a read.
        await SpendsAsync((1, 2), 1, request.EndAsync);

        Assert.Equal("a=2 user=u", await visitor.ReadAsync(site));
    }

    [Fact]
    public async Task What_a_request_does_with_a_value_that_it_was_given_changes_nothing()
    {
        var site = await _farm.JoinAsync();
        var visitor = new Visitor();
        await visitor.SetAsync(site, ("a", "12"));
        var request = await visitor.BeginAsync(site);
        Array.Reverse(request.Session.Get("a")!);
        request.Session.SetString("b", "1");
        await _farm.Master.ExecuteAsync("DEL", Assert.Single(await _farm.StoredAsync()));

        await request.EndAsync();

        Assert.Equal("a=12 b=1", await visitor.ReadAsync(site));
    }

    [Fact]
    public async Task Sessions_lie_under_a_prefix_that_callers_of_the_cache_cannot_use_and_expire()
    {
        var site = await _farm.JoinAsync(static options => options.InstanceName = "app:");
        await new Visitor().SetAsync(site, ("a", "1"));

        var key = Assert.Single(await _farm.StoredAsync());
        Assert.StartsWith("app:__shardedcache:session:", key, StringComparison.Ordinal);
        Assert.InRange(long.Parse(await _farm.Master.ExecuteAsync("PTTL", key), null), 1, (long)TimeSpan.FromMinutes(22).TotalMilliseconds);
        await Assert.ThrowsAsync<ArgumentException>(() => site.Cache.GetAsync(key["app:".Length..], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_else_lies_under_its_key_is_no_session_and_is_replaced()
    {
        var site = await _farm.JoinAsync();
        var visitor = new Visitor();
        await visitor.SetAsync(site, ("a", "1"));
        var key = Assert.Single(await _farm.StoredAsync());
        foreach (var command in (string[][])[["SET", key, "something else"], ["HSET", key, "field", "value"]])
        {
            await _farm.Master.ExecuteAsync("DEL", key);
            await _farm.Master.ExecuteAsync(command);

            await visitor.AtAsync(site, static session =>
            {
                Assert.True(session.IsAvailable);
                Assert.Empty(session.Keys);
                session.SetString("b", "2");
            });
            Assert.Equal("b=2", await visitor.ReadAsync(site));
        }
    }

    [Fact]
    public async Task Sessions_can_be_kept_in_a_keyed_cache()
    {
        var site = await _farm.JoinAsync(services => services
            .AddKeyedShardedRedisCache("sessions", options => (options.Configuration, options.InstanceName) = (_farm.Farm.ConnectionString, "sessions:"))
            .AddShardedRedisSession("sessions"));
        var visitor = new Visitor();

        await visitor.SetAsync(site, ("a", "1"));

        Assert.Equal("a=1", await visitor.ReadAsync(site));
        Assert.StartsWith("sessions:", Assert.Single(await _farm.StoredAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddSession_alone_over_the_distributed_cache_works_too_and_the_last_blob_wins_there()
    {
        void Plain(IServiceCollection services) => services.AddShardedRedisCache(options => options.Configuration = _farm.Farm.ConnectionString);
        var (here, there) = (await _farm.JoinAsync(Plain), await _farm.JoinAsync(Plain));
        var visitor = new Visitor();
        await visitor.SetAsync(here, ("a", "1"));
        Assert.Equal("a=1", await visitor.ReadAsync(there));
        Assert.Empty(await _farm.StoredAsync());

        var (first, second) = (await visitor.BeginAsync(here), await visitor.BeginAsync(there));
        first.Session.SetString("b", "2");
        second.Session.SetString("c", "3");
        await first.EndAsync();
        await second.EndAsync();

        // What AddShardedRedisSession is for.
        Assert.Equal("a=1 c=3", await visitor.ReadAsync(here));
    }

    /// <summary>So many reads and scripts reach the server, and no more.</summary>
    private async Task SpendsAsync((long Reads, long Scripts) expected, int times, Func<Task> request)
    {
        var before = await QuietAsync();
        for (var i = 0; i < times; i++)
        {
            await request();
        }

        // What nobody waits for comes behind.
        await Until.HoldsAsync(
            async () => await SpentAsync() is var now && now.Reads - before.Reads >= expected.Reads && now.Scripts - before.Scripts >= expected.Scripts,
            $"the server has executed at least {expected}");
        var after = await QuietAsync();
        Assert.Equal(expected, (after.Reads - before.Reads, after.Scripts - before.Scripts));
    }

    /// <summary>How many reads and scripts have reached the server, once no more do.</summary>
    private async Task<(long Reads, long Scripts)> QuietAsync()
    {
        var (last, now) = ((-1L, -1L), await SpentAsync());
        await Until.HoldsAsync(
            async () =>
            {
                last = now;
                await Task.Delay(50);
                now = await SpentAsync();
                return now == last;
            },
            "the server has nothing more to do");
        return now;
    }

    private async Task<(long Reads, long Scripts)> SpentAsync()
    {
        // A merge reads and writes the key by itself, and with each ROLE the sharding rule is looked up; any other GET is a round trip.
        var counts = await _farm.CountsAsync();
        return (counts.GetValueOrDefault("get") - counts.GetValueOrDefault("set") - counts.GetValueOrDefault("role"), counts.GetValueOrDefault("evalsha"));
    }
}
