using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Cache;

/// <summary>What a caller sees of a server that refuses, is slow, or is not the master any more.</summary>
public sealed class ServerFaultTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;
    private CacheHost _host = null!;

    private RedisProcess Master => _farm.Shards[0].InitialMaster;

    public async ValueTask InitializeAsync()
    {
        _farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 2, ReplicasPerShard = 0, Sentinels = 0, ServerConfiguration = { "enable-debug-command yes" } },
            TestContext.Current.CancellationToken);
        _host = new CacheHost(_farm.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _farm.DisposeAsync();
    }

    [Fact]
    public async Task Foreign_bytes_and_other_types_under_a_key_are_a_miss()
    {
        var key = KeyOnFirstShard();
        await Master.ExecuteAsync("SET", key, "not an entry");
        Assert.Null(await _host.Cache.GetAsync(key, TestContext.Current.CancellationToken));

        await Master.ExecuteAsync("DEL", key);
        await Master.ExecuteAsync("RPUSH", key, "a list");
        Assert.Null(await _host.Cache.GetAsync(key, TestContext.Current.CancellationToken));
        await _host.Cache.RefreshAsync(key, TestContext.Current.CancellationToken);

        await SetAsync(key, "ours");
        Assert.Equal("ours", await GetAsync(key));
    }

    [Fact]
    public async Task Without_memory_a_write_removes_the_old_value_instead_of_leaving_it()
    {
        var key = KeyOnFirstShard();
        await SetAsync(key, "old");
        await Master.ExecuteAsync("CONFIG", "SET", "maxmemory", "1");

        await SetAsync(key, "new");
        Assert.Null(await _host.Cache.GetAsync(key, TestContext.Current.CancellationToken));
        await _host.Cache.RemoveAsync(key, TestContext.Current.CancellationToken);

        await Master.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        await SetAsync(key, "newer");
        Assert.Equal("newer", await GetAsync(key));
    }

    [Fact]
    public async Task A_server_that_cannot_write_still_reads_and_says_why_it_does_not_write()
    {
        var key = KeyOnFirstShard();
        await SetAsync(key, "kept");
        await Master.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", "1");

        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => SetAsync(key, "refused"));

        Assert.Contains("NOREPLICAS", exception.Reason, StringComparison.Ordinal);
        Assert.Equal("kept", await GetAsync(key));
    }

    [Fact]
    public async Task A_master_that_became_read_only_is_left_and_used_again_when_it_is_master_again()
    {
        var key = KeyOnFirstShard();
        await SetAsync(key, "before");
        var other = _farm.Shards[1].InitialMaster;
        await Master.ExecuteAsync("REPLICAOF", other.Host, other.Port.ToString());

        var exception = await Assert.ThrowsAsync<ShardUnavailableException>(() => SetAsync(key, "refused"));
        Assert.Equal(NameOf(Master), exception.Shard);
        await AssertAnswersAtOnceAsync(key);

        await Master.ExecuteAsync("REPLICAOF", "NO", "ONE");
        await Eventually.AnswersAsync(async () =>
        {
            await SetAsync(key, "after");
            return true;
        });
        Assert.Equal("after", await GetAsync(key));
    }

    [Fact]
    public async Task A_stopped_server_costs_one_time_out_and_nothing_on_the_other_shard()
    {
        var key = KeyOnFirstShard();
        var otherKey = _host.KeyOn(NameOf(_farm.Shards[1].InitialMaster));
        await SetAsync(key, "before");
        Master.Pause();

        await Assert.ThrowsAsync<ShardUnavailableException>(() => GetAsync(key));
        await AssertAnswersAtOnceAsync(key);
        await SetAsync(otherKey, "unaffected");
        var batch = await Assert.ThrowsAsync<ShardUnavailableException>(() => _host.Cache.SetManyAsync(
            [KeyValuePair.Create(key, "a"u8.ToArray()), KeyValuePair.Create(otherKey, "b"u8.ToArray())],
            new DistributedCacheEntryOptions(),
            TestContext.Current.CancellationToken));
        Assert.Equal(NameOf(Master), batch.Shard);
        Assert.Equal("b", await GetAsync(otherKey));

        Master.Resume();
        Assert.Equal("before", await Eventually.AnswersAsync(() => GetAsync(key)));
    }

    [Fact]
    public async Task A_restarted_server_is_used_again_and_gets_the_rule_again()
    {
        var key = KeyOnFirstShard();
        await SetAsync(key, "gone with the process");
        Master.Kill();
        await Assert.ThrowsAsync<ShardUnavailableException>(() => GetAsync(key));
        await Master.StartAsync(TestContext.Current.CancellationToken);

        Assert.Null(await Eventually.AnswersAsync(() => _host.Cache.GetAsync(key, TestContext.Current.CancellationToken)));

        Assert.Contains("version=1", await Master.ExecuteAsync("GET", "__shardedcache:rule"), StringComparison.Ordinal);
        Assert.Contains(_host.Log.Lines, line => line.EventId == 304);
    }

    [Fact]
    public async Task Each_transition_is_logged_once_however_many_operations_fail()
    {
        var key = KeyOnFirstShard();
        await SetAsync(key, "before");
        Master.Kill();
        for (var i = 0; i < 500; i++)
        {
            await Assert.ThrowsAsync<ShardUnavailableException>(() => GetAsync(key));
        }

        await Eventually.HoldsAsync(() => _host.Log.Lines.Count(line => line.EventId == 301) == 2, "Suspect and then FailingOver are logged");
        Assert.DoesNotContain(_host.Log.Lines, line => line.Message.Contains(key, StringComparison.Ordinal));
        Assert.DoesNotContain(_host.Log.Lines, line => line.Level >= LogLevel.Error);
    }

    /// <summary>Without Sentinels a shard is named by its end point.</summary>
    private static string NameOf(RedisProcess server) => $"{server.Host}:{server.Port}";

    private string KeyOnFirstShard() => _host.KeyOn(NameOf(Master), Guid.NewGuid().ToString());

    private Task SetAsync(string key, string value) =>
        _host.Cache.SetAsync(key, Encoding.UTF8.GetBytes(value), new DistributedCacheEntryOptions(), TestContext.Current.CancellationToken);

    private async Task<string?> GetAsync(string key) =>
        await _host.Cache.GetAsync(key, TestContext.Current.CancellationToken) is { } value ? Encoding.UTF8.GetString(value) : null;

    /// <summary>A hundred operations on the shard that is down take less than one time-out together.</summary>
    private async Task AssertAnswersAtOnceAsync(string key)
    {
        var started = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 100; i++)
        {
            await Assert.ThrowsAsync<ShardUnavailableException>(() => GetAsync(key));
        }

        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromMilliseconds(900));
    }
}
