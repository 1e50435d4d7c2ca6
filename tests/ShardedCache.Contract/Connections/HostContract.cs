using System.Diagnostics;
using System.Net;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>How a server is found by its host's name.</summary>
public abstract class HostContract(ServerFixture fixture) : ConnectionContract, IClassFixture<ServerFixture>
{
    private static readonly IPAddress Other = IPAddress.Parse("127.0.0.2");

    private RedisProcess Server => fixture.Server;

    private ServerAddress Named => new("a-host", Server.Port);

    internal sealed override IServerConnector CreateConnector() => CreateConnector(HostLookup.Default);

    internal abstract IServerConnector CreateConnector(HostLookup lookup);

    [Fact]
    public async Task A_silent_resolver_costs_the_connect_time_out_and_no_more()
    {
        await using var connector = CreateConnector(new HostLookup(static _ => new TaskCompletionSource<IPAddress[]>().Task));
        var waited = Stopwatch.StartNew();

        var opened = await connector.OpenAsync(Named, new ConnectionSettings { ConnectTimeout = TimeSpan.FromMilliseconds(300) }, Cancellation)
            .AsTask().WaitAsync(Patience, Cancellation);

        Assert.Equal(ConnectionFaultKind.Unreachable, opened.Fault?.Kind);
        Assert.InRange(waited.ElapsedMilliseconds, 250, 5000);
        using var cancellation = new CancellationTokenSource(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connector.OpenAsync(
            Named, new ConnectionSettings { ConnectTimeout = TimeSpan.FromMinutes(2) }, cancellation.Token).AsTask().WaitAsync(Patience, Cancellation));
    }

    [Fact]
    public async Task Who_comes_while_a_resolver_is_slow_waits_for_the_same_answer()
    {
        var asked = 0;
        var answer = new TaskCompletionSource<IPAddress[]>();
        await using var connector = CreateConnector(new HostLookup(_ =>
        {
            asked++;
            return answer.Task;
        }));
        var settings = new ConnectionSettings { ConnectTimeout = TimeSpan.FromMilliseconds(200) };
        for (var i = 0; i < 3; i++)
        {
            Assert.False((await connector.OpenAsync(Named, settings, Cancellation)).IsOpen);
        }

        var opening = connector.OpenAsync(Named, new ConnectionSettings { ConnectTimeout = Patience }, Cancellation);
        Assert.Equal(1, asked);
        answer.SetResult([IPAddress.Loopback]);
        var opened = await opening;
        Assert.True(opened.IsOpen, opened.Fault?.ToString());
        await opened.Connection.DisposeAsync();
    }

    [Fact]
    public async Task A_host_without_an_address_is_unreachable()
    {
        await using var connector = CreateConnector(new HostLookup(static _ => Task.FromResult(Array.Empty<IPAddress>())));
        var opened = await connector.OpenAsync(Named, new ConnectionSettings { ConnectTimeout = Patience }, Cancellation);
        Assert.Equal($"No connection to {Named}.", opened.Fault?.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whichever_address_of_a_host_is_silent_the_other_one_is_reached(bool isFirst)
    {
        using var silent = new SilentListener(Other, Server.Port);
        await AssertReachedAsync(isFirst ? [Other, IPAddress.Loopback] : [IPAddress.Loopback, Other], isFirst ? TimeSpan.FromSeconds(8) : Patience);
    }

    [Fact]
    public Task Where_the_first_address_of_a_host_refuses_the_other_one_is_reached() =>
        AssertReachedAsync([Other, IPAddress.Loopback], Patience);

    private async Task AssertReachedAsync(IPAddress[] addresses, TimeSpan connectTimeout)
    {
        await using var connector = CreateConnector(new HostLookup(_ => Task.FromResult(addresses)));
        var opened = await connector.OpenAsync(Named, new ConnectionSettings { ConnectTimeout = connectTimeout }, Cancellation);
        Assert.True(opened.IsOpen, opened.Fault?.ToString());
        Assert.Equal(Reply.Ok, await SetAsync(opened.Connection, NewKey(), "1"));
        await opened.Connection.DisposeAsync();
    }
}
