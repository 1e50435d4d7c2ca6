using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>Sessions over the death of their shard's master, through the real middleware on a real farm.</summary>
public sealed class SessionFailoverTests : IAsyncLifetime
{
    private SessionFarm _farm = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _farm = await SessionFarm.StartAsync(SessionFixture.LeastPrivilege());

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_master_that_dies_or_stops_in_mid_traffic_takes_no_change_with_it(bool dies)
    {
        var site = await JoinAsync();
        var visitors = new Visitor[8];
        for (var i = 0; i < visitors.Length; i++)
        {
            await (visitors[i] = new Visitor()).SetAsync(site, ("start", "0"));
        }

        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var written = new ConcurrentDictionary<(int Visitor, string Key), string>();
        var traffic = Enumerable.Range(0, visitors.Length).Select(visitor => Task.Run(async () =>
        {
            for (var i = 0; !stopping.IsCancellationRequested; i++)
            {
                var (key, value) = (string.Create(CultureInfo.InvariantCulture, $"key-{i % 20}"), string.Create(CultureInfo.InvariantCulture, $"{i}"));
                await visitors[visitor].AtAsync(site, session =>
                {
                    Assert.True(session.IsAvailable);
                    Assert.Equal(written.GetValueOrDefault((visitor, key)), session.GetString(key));
                    session.SetString(key, value);
                });
                written[(visitor, key)] = value;
            }
        })).ToList();

        var master = _farm.Master;
        await Until.HoldsAsync(() => written.Count > 100, "there is traffic");
        if (dies)
        {
            master.Kill();
        }
        else
        {
            master.Pause();
        }

        await _farm.Shard.WaitForNewMasterAsync(master, cancellationToken: Token);
        await Until.HoldsAsync(() => site.IsUp, "the shard is up");
        if (!dies)
        {
            master.Resume();
        }

        await Task.Delay(500, Token);
        await stopping.CancelAsync();
        await Task.WhenAll(traffic);

        var stranger = await JoinAsync();
        for (var visitor = 0; visitor < visitors.Length; visitor++)
        {
            var expected = written.Where(entry => entry.Key.Visitor == visitor).Select(static entry => $"{entry.Key.Key}={entry.Value}").Append("start=0");
            Assert.Equal(string.Join(' ', expected.Order(StringComparer.Ordinal)), string.Join(' ', (await visitors[visitor].ReadAsync(stranger)).Split(' ').Order(StringComparer.Ordinal)));
        }

        Assert.Contains(site.Log.Ours, static entry => entry.Id == 301);
    }

    [Fact]
    public async Task What_the_promoted_replica_lacked_is_merged_with_what_other_instances_have_changed()
    {
        var (here, there) = (await JoinAsync(), await JoinAsync());
        var visitor = new Visitor();
        await visitor.SetAsync(here, ("a", "0"), ("b", "0"), ("removed", "0"), ("both", "0"));
        Assert.Equal("a=0 b=0 both=0 removed=0", await visitor.ReadAsync(there));
        await _farm.Shard.WaitForReplicasAsync(cancellationToken: Token);
        var (master, replica) = (_farm.Shard.Servers[0], _farm.Shard.Servers[1]);
        replica.Pause();
        await master.ExecuteAsync("CLIENT", "KILL", "TYPE", "replica");

        await visitor.SetAsync(here, ("a", "1"));
        await visitor.AtAsync(there, static session => session.Remove("removed"));
        master.Kill();
        replica.Resume();
        await visitor.SetAsync(here, ("both", "here"), ("new here", "1"));
        await visitor.SetAsync(there, ("both", "there"), ("b", "1"));
        Assert.Equal("a=1 b=0 both=here new here=1", Without(await visitor.ReadAsync(here), "removed=0"));

        await _farm.Shard.WaitForNewMasterAsync(master, cancellationToken: Token);
        await Until.HoldsAsync(() => here.IsUp && there.IsUp, "the shard is up");
        foreach (var site in (SessionSite[])[here, there, await JoinAsync()])
        {
            await Until.HoldsAsync(async () => await visitor.ReadAsync(site) == "a=1 b=1 both=there new here=1", "all changes are there");
        }

        static string Without(string session, string key) => string.Join(' ', session.Split(' ').Where(part => part != key));
    }

    [Fact]
    public async Task With_nothing_to_read_the_session_is_not_available_and_its_changes_are_merged_later()
    {
        foreach (var sentinel in _farm.Farm.Sentinels)
        {
            // So that the outage lasts.
            await sentinel.ExecuteAsync("SENTINEL", "SET", _farm.Shard.Name, "down-after-milliseconds", "60000");
        }

        var (here, there) = (await JoinAsync(), await JoinAsync());
        var visitor = new Visitor();
        await visitor.SetAsync(there, ("a", "0"), ("b", "0"), ("removed", "0"));
        await _farm.Master.ExecuteAsync("SAVE");
        _farm.Shard.Servers[1].Kill();
        _farm.Master.Kill();
        await Until.HoldsAsync(() => !here.IsUp && !there.IsUp, "the shard is down");

        await visitor.AtAsync(here, static session =>
        {
            Assert.False(session.IsAvailable);
            Assert.Empty(session.Id);
            Assert.Empty(session.Keys);
            session.SetString("b", "1");
            session.Remove("removed");
        });
        Assert.Equal("b=1", await visitor.ReadAsync(here));

        // Who has read or written it goes on as if nothing had happened, and so does a new visitor anywhere.
        Assert.Equal("a=0 b=0 removed=0", await visitor.ReadAsync(there));
        var newcomer = new Visitor();
        await newcomer.SetAsync(here, ("n", "1"));
        await newcomer.AtAsync(here, static session => Assert.True(session.IsAvailable));
        await _farm.Master.StartAsync(Token);
        await Until.HoldsAsync(() => here.IsUp && there.IsUp, "the shard is up");

        Assert.Equal("a=0 b=1", await visitor.ReadAsync(here));
        Assert.Equal("a=0 b=1", await visitor.ReadAsync(there));
        Assert.Equal("n=1", await newcomer.ReadAsync(there));
    }

    [Fact]
    public async Task While_the_shard_is_down_the_replica_shows_what_another_instance_had_changed()
    {
        foreach (var sentinel in _farm.Farm.Sentinels)
        {
            await sentinel.ExecuteAsync("SENTINEL", "SET", _farm.Shard.Name, "down-after-milliseconds", "60000");
        }

        var (here, there) = (await JoinAsync(), await JoinAsync());
        var visitor = new Visitor();
        await visitor.SetAsync(here, ("a", "1"));
        await visitor.SetAsync(there, ("b", "2"));
        await _farm.Shard.WaitForReplicasAsync(cancellationToken: Token);
        _farm.Master.Kill();
        await Until.HoldsAsync(() => !here.IsUp, "the shard is down");

        await Until.HoldsAsync(async () => await visitor.ReadAsync(here) == "a=1 b=2", "the replica is read");
        await visitor.SetAsync(here, ("c", "3"));
        Assert.Equal("a=1 b=2 c=3", await visitor.ReadAsync(here));
    }

    private Task<SessionSite> JoinAsync() => _farm.JoinAsync(static options => options.InstanceName = Contract.AclRules.InstanceName);
}
