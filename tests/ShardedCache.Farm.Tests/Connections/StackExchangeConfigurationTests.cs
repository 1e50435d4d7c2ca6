using System.Buffers;
using System.Net;
using System.Net.Sockets;
using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Contract.Connections;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;
using StackExchange.Redis.Profiling;

namespace ShardedCache.Farm.Tests.Connections;

/// <summary>What an application may set on the client, and what it cannot spoil.</summary>
public sealed class StackExchangeConfigurationTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly StoredKey Key = new("configuration:"u8.ToArray(), "key");

    // As Linux has it.
    private const int NonBlocking = 0x800;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // By name, so that it is looked up.
    private ServerAddress Server => new("localhost", fixture.Server.Port);

    [Fact]
    public async Task Profiler_and_socket_settings_pass_through()
    {
        var profile = new ProfilingSession();
        var sockets = 0;
        await using var connector = new StackExchangeConnector(TimeProvider.System, options =>
        {
            options.Defaults = new Profiled(profile);
            options.BeforeSocketConnect = (_, _, socket) =>
            {
                socket.SendBufferSize = 64 * 1024;
                sockets++;
            };
        });
        await using var connection = await OpenAsync(connector);
        await connection.GetAsync(Key, new ArrayBufferWriter<byte>(), CallMode.Asynchronous, Cancellation);

        Assert.Equal(1, sockets);
        Assert.Contains(profile.FinishProfiling(), command => command.Command == "GET");
    }

    [Fact]
    public async Task Settings_that_a_connection_lives_by_are_ours_whatever_the_application_sets()
    {
        await using var connector = new StackExchangeConnector(TimeProvider.System, static options =>
        {
            options.EndPoints.Add("127.0.0.1", 1);
            options.ServiceName = "another";
            options.TieBreaker = "tie";
            options.AbortOnConnectFail = true;
            options.ReconnectRetryPolicy = new LinearRetry(1);
            options.BacklogPolicy = BacklogPolicy.Default;
            options.Protocol = RedisProtocol.Resp2;
            options.CommandMap = CommandMap.Sentinel;
            options.HeartbeatConsistencyChecks = true;
            options.HeartbeatInterval = TimeSpan.FromMilliseconds(50);
            options.KeepAlive = 1;
            options.SyncTimeout = options.AsyncTimeout = options.ConnectTimeout = 10;
            options.DefaultDatabase = 3;
            options.ClientName = "another";
            options.Password = "another";
        });
        await using var connection = await OpenAsync(connector);
        Assert.Equal(Reply.Ok, await connection.SetAsync(Key, [], new ReadOnlySequence<byte>("1"u8.ToArray()), TimeSpan.FromMinutes(1), CallMode.Asynchronous, Cancellation));
        Assert.Equal("1", await fixture.Server.ExecuteAsync("GET", "configuration:key"));

        fixture.Server.Pause();
        try
        {
            var late = connection.GetAsync(Key, new ArrayBufferWriter<byte>(), CallMode.Asynchronous, Cancellation).AsTask();
            await Task.Delay(300, Cancellation);
            Assert.False(late.IsCompleted);
            Assert.Equal(Reply.TimedOut, await late);
            Assert.Equal(ConnectionFaultKind.Silent, (await connection.Closed).Kind);
        }
        finally
        {
            fixture.Server.Resume();
        }
    }

    [Fact]
    public async Task A_configuration_that_throws_is_a_fault_that_does_not_tell_why()
    {
        await using var connector = new StackExchangeConnector(TimeProvider.System, static _ => throw new InvalidOperationException("secret-word"));
        var opened = await connector.OpenAsync(Server, new ConnectionSettings(), Cancellation);
        Assert.True(opened.Fault!.IsConfigurationError);
        Assert.DoesNotContain("secret-word", opened.Fault.Message);
    }

    [Fact]
    public async Task A_hook_that_fails_for_one_address_leaves_the_others()
    {
        var calls = 0;
        await using var connector = new StackExchangeConnector(
            TimeProvider.System,
            options => options.BeforeSocketConnect = (_, _, _) => _ = calls++ == 0 ? throw new ArgumentException("Another family is bound.") : 0,
            new HostLookup(static _ => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback])));
        await using var connection = await OpenAsync(connector);
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task A_hook_that_throws_is_a_fault_that_does_not_tell_why()
    {
        await using var connector = new StackExchangeConnector(
            TimeProvider.System, static options => options.BeforeSocketConnect = static (_, _, _) => throw new ObjectDisposedException("secret-word"));
        var opened = await connector.OpenAsync(Server, new ConnectionSettings { ConnectTimeout = TimeSpan.FromSeconds(20) }, Cancellation);
        Assert.Equal($"No connection to {Server}: BeforeSocketConnect threw ObjectDisposedException.", opened.Fault?.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task The_socket_blocks_whichever_address_it_is_connected_to(int position)
    {
        IPAddress[] addresses = [IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3")];
        addresses[position] = IPAddress.Loopback;
        Socket? last = null;
        await using var connector = new StackExchangeConnector(
            TimeProvider.System, options => options.BeforeSocketConnect = (_, _, socket) => last = socket, new HostLookup(_ => Task.FromResult(addresses)));
        await using var connection = await OpenAsync(connector);

        // Once it did not, .NET would wait for it ever after, whatever Socket.Blocking says.
        var flags = File.ReadLines($"/proc/self/fdinfo/{last!.Handle}").Single(static line => line.StartsWith("flags:", StringComparison.Ordinal));
        Assert.Equal(0, Convert.ToInt32(flags["flags:".Length..].Trim(), 8) & NonBlocking);
    }

    private async Task<IServerConnection> OpenAsync(StackExchangeConnector connector)
    {
        var opened = await connector.OpenAsync(Server, new ConnectionSettings { ConnectTimeout = TimeSpan.FromSeconds(20) }, Cancellation);
        Assert.True(opened.IsOpen, opened.Fault?.ToString());
        return opened.Connection;
    }

    private sealed class Profiled(ProfilingSession profile) : DefaultOptionsProvider
    {
        public override Task AfterConnectAsync(ConnectionMultiplexer multiplexer, Action<string> log)
        {
            multiplexer.RegisterProfiler(() => profile);
            return Task.CompletedTask;
        }
    }
}
