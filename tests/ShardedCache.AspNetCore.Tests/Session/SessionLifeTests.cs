using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using ShardedCache.Testing;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>Idle time-out, time-outs, and what is logged.</summary>
public sealed class SessionLifeTests : IAsyncLifetime
{
    private SessionFarm _farm = null!;

    public async ValueTask InitializeAsync() =>
        _farm = await SessionFarm.StartAsync(new RedisFarmOptions { ReplicasPerShard = 0, Sentinels = 0 });

    public ValueTask DisposeAsync() => _farm.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_request_is_a_use_and_without_any_the_session_ends(bool reads)
    {
        var window = TimeSpan.FromSeconds(5);
        var site = await _farm.JoinAsync(session: options => options.IdleTimeout = window);
        var visitor = new Visitor();
        string? id = null;
        await visitor.AtAsync(site, session =>
        {
            session.SetString("a", "1");
            id = session.Id;
        });

        for (var used = Stopwatch.StartNew(); used.Elapsed < 1.5 * window;)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
            await visitor.SendAsync(site, async context =>
            {
                if (reads)
                {
                    await context.Session.LoadAsync();
                }
            });
        }

        Assert.Equal("a=1", await visitor.ReadAsync(site));
        await Until.HoldsAsync(async () => (await _farm.StoredAsync()).Count == 0, "the session has expired");
        await visitor.AtAsync(site, session =>
        {
            Assert.True(session.IsAvailable);
            Assert.Empty(session.Keys);
            Assert.NotEqual(id, session.Id);
        });
    }

    [Fact]
    public async Task Loading_and_committing_are_given_up_after_the_IO_time_out_and_the_request_goes_on()
    {
        var site = await _farm.JoinAsync(
            static cache => cache.OperationTimeout = TimeSpan.FromSeconds(20), static options => options.IOTimeout = TimeSpan.FromMilliseconds(300));
        var visitor = new Visitor();
        await visitor.SetAsync(site, ("a", "1"));
        var request = await visitor.BeginAsync(site);
        request.Session.SetString("a", "2");
        _farm.Master.Pause();
        try
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => visitor.ReadAsync(site));
            await request.EndAsync();
        }
        finally
        {
            _farm.Master.Resume();
        }

        Assert.Contains(site.Log.Ours, static entry => entry.Id == 513);
        Assert.Contains(site.Log.Ours, static entry => entry.Id == 514);
        await Until.HoldsAsync(async () => await visitor.ReadAsync(site) == "a=2", "what was committed is there");
    }

    [Fact]
    public async Task In_an_outage_a_key_is_removed_also_where_the_instance_s_copy_of_the_session_does_not_have_it()
    {
        var (site, other) = (await _farm.JoinAsync(), await _farm.JoinAsync());
        var visitor = new Visitor();
        await visitor.SetAsync(site, ("a", "1"));
        Assert.Equal("a=1", await visitor.ReadAsync(site));
        await visitor.SetAsync(other, ("b", "2"));
        await _farm.Master.ExecuteAsync("SAVE");
        _farm.Master.Kill();
        await Until.HoldsAsync(() => !site.IsUp && !other.IsUp, "the shard is down");
        Assert.Equal("a=1", await visitor.ReadAsync(site));

        await visitor.AtAsync(site, static session => session.Remove("b"));

        await _farm.Master.StartAsync(TestContext.Current.CancellationToken);
        await Until.HoldsAsync(() => site.IsUp && other.IsUp, "the shard is up");
        Assert.Equal("a=1", await visitor.ReadAsync(site));
    }

    [Theory]
    [InlineData(FailoverMode.LocalTier, 510)]
    [InlineData(FailoverMode.Bypass, 511)]
    [InlineData(FailoverMode.Throw, 511)]
    public async Task Without_its_shard_a_session_is_not_available_and_that_is_logged_once_and_never_its_identifier(FailoverMode mode, int eventId)
    {
        var (site, other) = (await _farm.JoinAsync(options => options.FailoverMode = mode), await _farm.JoinAsync());
        var visitor = new Visitor();
        string? id = null;
        await visitor.AtAsync(other, session =>
        {
            session.SetString("name of a key", "its value");
            id = session.Id;
        });
        var key = Assert.Single(await _farm.StoredAsync())[ISessionEntries.KeyPrefix.Length..];
        await _farm.Master.ExecuteAsync("SAVE");
        _farm.Master.Kill();
        await Until.HoldsAsync(() => !site.IsUp, "the shard is down");

        for (var i = 0; i < 5; i++)
        {
            await visitor.SendAsync(site, static context =>
            {
                Assert.False(context.Session.IsAvailable);
                Assert.Empty(context.Session.Id);
                context.Session.SetString("b", "2");
                return Task.CompletedTask;
            });
            if (mode == FailoverMode.Throw)
            {
                await Assert.ThrowsAsync<ShardUnavailableException>(() => visitor.ReadAsync(site));
            }
            else
            {
                Assert.Equal(mode == FailoverMode.LocalTier ? "b=2" : "", await visitor.ReadAsync(site));
            }
        }

        // Nobody has anything of a new one: it can be kept, or it cannot.
        await new Visitor().SendAsync(site, context =>
        {
            context.Session.SetString("c", "3");
            Assert.Equal(mode == FailoverMode.LocalTier, context.Session.IsAvailable);
            Assert.Equal(mode == FailoverMode.LocalTier ? "c=3" : "", Visitor.Show(context.Session));
            return Task.CompletedTask;
        });
        if (mode == FailoverMode.Throw)
        {
            await Assert.ThrowsAsync<ShardUnavailableException>(() => new Visitor().ReadAsync(site));
        }

        Assert.Single(site.Log.Ours, entry => entry.Id == eventId);
        await _farm.Master.StartAsync(TestContext.Current.CancellationToken);
        await Until.HoldsAsync(() => site.IsUp, "the shard is up");
        Assert.Equal(mode == FailoverMode.LocalTier ? "b=2 name of a key=its value" : "name of a key=its value", await visitor.ReadAsync(site));
        Assert.Single(site.Log.Ours, static entry => entry.Id == 512);
        Assert.DoesNotContain(
            site.Log.All,
            entry => entry.Message.Contains(key, StringComparison.Ordinal) || entry.Message.Contains(id!, StringComparison.Ordinal)
                || entry.Message.Contains("name of a key", StringComparison.Ordinal) || entry.Message.Contains("its value", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Requests_that_block_need_no_thread_of_the_pool()
    {
        var site = await _farm.JoinAsync();
        var visitor = new Visitor();
        await visitor.SetAsync(site, ("a", "1"));
        var key = Assert.Single(await _farm.StoredAsync())[ISessionEntries.KeyPrefix.Length..];
        var store = (Microsoft.AspNetCore.Session.ISessionStore)site.Services.GetService(typeof(Microsoft.AspNetCore.Session.ISessionStore))!;
        using var release = new ManualResetEventSlim();
        ThreadPool.GetMinThreads(out var workers, out _);
        var hogs = Enumerable.Range(0, Math.Max(workers, ThreadPool.ThreadCount) * 4).Select(_ => Task.Run(release.Wait)).ToArray();
        try
        {
            var read = 0;
            var threads = Enumerable.Range(0, 100).Select(_ => new Thread(() =>
            {
                var session = store.Create(key, TimeSpan.FromMinutes(20), TimeSpan.FromMinutes(1), static () => true, false);
                Interlocked.Add(ref read, session.IsAvailable && Visitor.Show(session) == "a=1" ? 1 : 0);
            })).ToList();
            threads.ForEach(static thread => thread.Start());
            threads.ForEach(static thread => Assert.True(thread.Join(TimeSpan.FromSeconds(20))));
            Assert.Equal(100, read);
        }
        finally
        {
            release.Set();
            await Task.WhenAll(hogs);
        }
    }
}
