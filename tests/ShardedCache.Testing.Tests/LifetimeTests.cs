using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace ShardedCache.Testing.Tests;

public class LifetimeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_host_that_is_killed_leaves_no_process_and_no_directory()
    {
        using var host = await HostProcess.StartAsync(Cancellation);
        Assert.Equal(5, host.FarmProcesses.Count);
        Assert.All(host.FarmProcesses, id => Assert.True(Wait.IsAlive(id)));

        await host.CrashAsync(Cancellation);

        await Wait.UntilAsync(() => !host.FarmProcesses.Any(Wait.IsAlive), "every process of the farm is gone");
        await Wait.UntilAsync(() => !Directory.Exists(host.FarmDirectory), "the farm's directory is gone");
    }

    [Fact]
    public async Task Disposal_leaves_no_process_and_no_directory()
    {
        var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 }, Cancellation);
        RedisProcess[] processes = [.. farm.Shards[0].Servers, .. farm.Sentinels];
        farm.Sentinels[0].Kill();
        farm.Sentinels[1].Pause();
        await farm.Shards[0].Servers[1].StopAsync(Cancellation);

        await farm.DisposeAsync();
        await farm.DisposeAsync();

        Assert.All(processes, process => Assert.False(process.IsRunning || Wait.IsAlive(process.ProcessId)));
        Assert.False(Directory.Exists(farm.Directory));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => processes[0].StartAsync(Cancellation));
    }

    [Fact]
    public async Task Disposal_succeeds_when_its_processes_died_by_themselves()
    {
        var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, Sentinels = 0 }, Cancellation);
        foreach (var server in farm.Shards[0].Servers)
        {
            await Assert.ThrowsAsync<RedisFarmException>(() => server.ExecuteAsync("SHUTDOWN", "NOSAVE", "NOW"));
            await Wait.UntilAsync(() => !server.IsRunning, $"{server} has shut down");
        }

        await farm.DisposeAsync();

        Assert.False(Directory.Exists(farm.Directory));
    }

    [Fact]
    public async Task A_missing_server_is_an_error_that_tells_what_to_install()
    {
        var error = await Assert.ThrowsAsync<RedisFarmException>(
            () => RedisFarm.StartAsync(new RedisFarmOptions { RedisServerPath = "/nowhere/redis-server" }, Cancellation));

        Assert.Contains("/nowhere/redis-server", error.Message, StringComparison.Ordinal);
        Assert.Contains("apt-get install redis-server", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_port_that_another_process_was_faster_to_take_is_replaced()
    {
        var directory = Directory.CreateTempSubdirectory();
        var foreignIdFile = Path.Combine(directory.FullName, "foreign");
        var server = Path.Combine(directory.FullName, "redis-server");
        await File.WriteAllTextAsync(
            server,
            $"""
            #!/bin/sh
            # The first call finds its port taken, by a server that answers.
            port=$(sed -n 's/^port //p' "$1")
            if [ ! -e '{foreignIdFile}' ]; then
              redis-server --bind 127.0.0.1 --port "$port" --save '' > '{foreignIdFile}.log' &
              echo "$! $port" > '{foreignIdFile}'
              until grep -q 'Ready to accept' '{foreignIdFile}.log'; do sleep 0.05; done
            fi
            exec redis-server "$@"
            """,
            Cancellation);
        File.SetUnixFileMode(server, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var options = new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0, RedisServerPath = server };

        try
        {
            await using var farm = await RedisFarm.StartAsync(options, Cancellation);

            Assert.NotEqual((await Foreign())[1], $"{farm.Shards[0].InitialMaster.Port}");
            Assert.Equal("PONG", await farm.Shards[0].InitialMaster.ExecuteAsync("PING"));
        }
        finally
        {
            Process.GetProcessById(int.Parse((await Foreign())[0], CultureInfo.InvariantCulture)).Kill();
            directory.Delete(recursive: true);
        }

        async Task<string[]> Foreign() => (await File.ReadAllTextAsync(foreignIdFile, CancellationToken.None)).Split();
    }

    [Fact]
    public async Task A_network_namespace_that_does_not_exist_is_an_error()
    {
        var options = new RedisFarmOptions { NetworkNamespace = "no-such-namespace" };

        var error = await Assert.ThrowsAsync<RedisFarmException>(() => RedisFarm.StartAsync(options, Cancellation));

        Assert.Contains("ended while it started", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_start_is_an_error_with_the_end_of_its_log()
    {
        var options = new RedisFarmOptions { ServerConfiguration = { "no-such-directive 1" } };

        var error = await Assert.ThrowsAsync<RedisFarmException>(() => RedisFarm.StartAsync(options, Cancellation));

        Assert.Contains("shard-0.0", error.Message, StringComparison.Ordinal);
        Assert.Contains("no-such-directive", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "shard-{0}", false)]
    [InlineData(2, "shard", false)]
    [InlineData(1, "shard", true)]
    public async Task Options_out_of_their_range_are_refused(int shards, string nameFormat, bool hasUserWithoutPassword)
    {
        var options = new RedisFarmOptions { Shards = shards, ShardNameFormat = nameFormat, User = hasUserWithoutPassword ? "app" : null };

        await Assert.ThrowsAnyAsync<ArgumentException>(() => RedisFarm.StartAsync(options, Cancellation));
    }
}
