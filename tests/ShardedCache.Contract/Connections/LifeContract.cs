using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>How a connection ends, and that nothing of it is left.</summary>
public abstract class LifeContract(ServerFixture fixture) : ConnectionContract, IClassFixture<ServerFixture>
{
    private RedisProcess Server => fixture.Server;

    [Fact]
    public async Task Closing_is_idempotent_and_the_first_reason_stays()
    {
        var connection = await OpenAsync(Server);
        Assert.False(connection.Closed.IsCompleted);
        var first = new ConnectionFault(ConnectionFaultKind.ClosedByUs, "first");

        connection.Close(first);
        connection.Close(new ConnectionFault(ConnectionFaultKind.Protocol, "second"));
        await connection.DisposeAsync();
        await connection.DisposeAsync();
        Assert.Same(first, await connection.Closed);
    }

    [Fact]
    public async Task Closing_ends_everything_pending_as_lost()
    {
        await using var connection = await OpenAsync(Server, TimeSpan.FromSeconds(30));
        Server.Pause();
        try
        {
            var pending = Enumerable.Range(0, 1000).Select(_ => SetAsync(connection, NewKey(), "1").AsTask()).ToList();
            pending.AddRange(Enumerable.Range(0, 20).Select(_ => Task.Factory.StartNew(
                () => SetAsync(connection, NewKey(), "1", CallMode.Blocking).AsTask(), Cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));
            var control = connection.ExecuteAsync(new[] { "PING" }, Cancellation);
            await Task.Delay(200, Cancellation);
            Assert.DoesNotContain(pending, task => task.IsCompleted);

            var waited = Stopwatch.StartNew();
            connection.Close(Done);
            Assert.All(await Task.WhenAll(pending), reply => Assert.Equal(Reply.ConnectionLost, reply));
            Assert.Equal(ControlReplyKind.ConnectionLost, (await control).Kind);
            Assert.InRange(waited.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        }
        finally
        {
            Server.Resume();
        }
    }

    [Fact]
    public async Task A_connection_that_the_server_closed_ends_and_is_never_revived()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        var server = farm.Shards[0].InitialMaster;
        var settings = new ConnectionSettings { OperationTimeout = TimeSpan.FromSeconds(5), ClientName = "mortal" };
        await using var killed = await OpenAsync(AddressOf(server), settings);
        var received = await CountReceivedAsync();
        await server.ExecuteAsync("CLIENT", "KILL", "ID", $"{killed.ClientId}");
        Assert.Equal(ConnectionFaultKind.ClosedByPeer, (await killed.Closed.WaitAsync(TimeSpan.FromSeconds(20), Cancellation)).Kind);
        await Task.Delay(500, Cancellation);

        // The two that this test itself made, to kill and to count.
        Assert.Equal(received + 2, await CountReceivedAsync());

        await using var orphaned = await OpenAsync(AddressOf(server), settings);
        server.Kill();
        Assert.Equal(ConnectionFaultKind.ClosedByPeer, (await orphaned.Closed.WaitAsync(TimeSpan.FromSeconds(20), Cancellation)).Kind);
        Assert.Equal(Reply.ConnectionLost, await SetAsync(orphaned, NewKey(), "1"));
        await server.StartAsync(Cancellation);

        await Task.Delay(1500, Cancellation);
        Assert.Equal(0, await CountClientsAsync(server, "mortal"));
        Assert.Equal(Reply.ConnectionLost, await SetAsync(killed, NewKey(), "1"));
        Assert.Equal(Reply.ConnectionLost, await SetAsync(orphaned, NewKey(), "1", CallMode.Blocking));

        async Task<int> CountReceivedAsync()
        {
            const string field = "total_connections_received:";
            var statistics = await server.ExecuteAsync("INFO", "stats");
            return int.Parse(statistics.Split("\r\n").Single(line => line.StartsWith(field, StringComparison.Ordinal))[field.Length..], CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task A_connector_that_was_disposed_opens_nothing()
    {
        var connector = CreateConnector();
        await connector.DisposeAsync();
        await connector.DisposeAsync();

        var settings = new ConnectionSettings { ClientName = "too-late", ConnectTimeout = Patience };
        var opened = await connector.OpenAsync(AddressOf(Server), settings, Cancellation);
        Assert.Equal(ConnectionFaultKind.ClosedByUs, opened.Fault!.Kind);
        await HoldsAsync(async () => await CountClientsAsync(Server, "too-late") == 0, "the server sees no connection of it");
    }

    [Fact]
    public async Task Nothing_is_left_of_connections_that_were_disposed()
    {
        var settings = new ConnectionSettings { ClientName = "leak-check" };
        await (await OpenAsync(AddressOf(Server), settings)).DisposeAsync();
        using var process = Process.GetCurrentProcess();
        var threads = process.Threads.Count;

        for (var round = 0; round < 3; round++)
        {
            var connections = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => OpenAsync(AddressOf(Server), settings)));
            Assert.Equal(20, await CountClientsAsync(Server, "leak-check"));
            Assert.Equal(20, connections.Select(connection => connection.ClientId).Distinct().Count());
            await Task.WhenAll(connections.Select(connection => connection.DisposeAsync().AsTask()));
        }

        await HoldsAsync(async () => await CountClientsAsync(Server, "leak-check") == 0, "the server sees no connection any more");
        await HoldsAsync(
            () =>
            {
                process.Refresh();
                return process.Threads.Count < threads + 20;
            },
            "threads of the connections have ended");
    }

    [Fact]
    public async Task No_failure_leaves_an_unobserved_exception()
    {
        var unobserved = new List<Exception>();
        EventHandler<UnobservedTaskExceptionEventArgs> handler = (_, e) =>
        {
            lock (unobserved)
            {
                unobserved.Add(e.Exception);
            }
        };
        TaskScheduler.UnobservedTaskException += handler;
        try
        {
            await FailInManyWaysAsync();
            for (var i = 0; i < 5; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                await Task.Delay(50, Cancellation);
            }

            Assert.Empty(unobserved.Where(e => e.ToString().Contains("Redis", StringComparison.Ordinal)));
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= handler;
        }
    }

    [Theory]
    [InlineData("!garbage")]
    [InlineData("$-7\r\n")]
    [InlineData("*99999999999999999999\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    public async Task Bytes_that_are_not_the_protocol_end_the_connection_alone(string garbage)
    {
        await using var proxy = new FaultProxy(Server);
        var settings = new ConnectionSettings { OperationTimeout = TimeSpan.FromSeconds(2) };
        await using var connection = await OpenAsync(proxy.Address, settings);
        await using var other = await OpenAsync(Server);

        proxy.Garbage = Encoding.ASCII.GetBytes(garbage);
        var destination = new ArrayBufferWriter<byte>();
        var reply = await connection.GetAsync(NewKey(), destination, CallMode.Asynchronous, Cancellation);
        Assert.True(reply.Kind is ReplyKind.ConnectionLost or ReplyKind.TimedOut, reply.ToString());
        Assert.Equal(0, destination.WrittenCount);
        var fault = await connection.Closed.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
        Assert.True(fault.Kind is ConnectionFaultKind.Protocol or ConnectionFaultKind.Silent, fault.ToString());
        Assert.Equal(Reply.Ok, await SetAsync(other, NewKey(), "1"));
    }

    [Fact]
    public async Task A_write_that_the_network_still_holds_is_never_executed_once_its_connection_was_killed()
    {
        await using var proxy = new FaultProxy(Server);
        var old = await OpenAsync(proxy.Address, new ConnectionSettings { OperationTimeout = TimeSpan.FromMilliseconds(300) });
        await using var replacement = await OpenAsync(Server);
        var key = NewKey();
        proxy.Hold();
        Assert.Equal(Reply.TimedOut, await SetAsync(old, key, "old"));
        await old.DisposeAsync();
        Assert.True(proxy.Held > 0);

        Assert.Equal(1, (await replacement.ExecuteAsync(new[] { "CLIENT", "KILL", "ID", $"{old.ClientId}" }, Cancellation)).Integer);
        Assert.Equal(Reply.Ok, await SetAsync(replacement, key, "new"));
        proxy.Deliver();
        await HoldsAsync(() => proxy.Held == 0, "the network has delivered");
        await Task.Delay(300, Cancellation);
        Assert.Equal("new", await ReadAsync(replacement, key));
    }

    [Fact]
    public async Task A_write_that_a_stopped_server_had_received_is_executed_before_what_a_later_connection_sends()
    {
        var key = NewKey();
        var old = await OpenAsync(Server, TimeSpan.FromMilliseconds(300));
        Server.Pause();
        ValueTask<OpenResult> opening;
        try
        {
            Assert.Equal(Reply.TimedOut, await SetAsync(old, key, "old"));
            await old.DisposeAsync();
            opening = Connector.OpenAsync(AddressOf(Server), new ConnectionSettings { ConnectTimeout = TimeSpan.FromSeconds(20) }, Cancellation);
            await Task.Delay(200, Cancellation);
        }
        finally
        {
            Server.Resume();
        }

        await using var replacement = (await opening).Connection!;
        Assert.Equal(Reply.Ok, await SetAsync(replacement, key, "new"));
        await Task.Delay(300, Cancellation);
        Assert.Equal("new", await ReadAsync(replacement, key));
    }

    private async Task FailInManyWaysAsync()
    {
        await FailsAsync(new ServerAddress("127.0.0.1", 1), new ConnectionSettings());
        var silent = await OpenAsync(Server, TimeSpan.FromMilliseconds(200));
        var closed = await OpenAsync(Server);
        Server.Pause();
        try
        {
            var pending = Enumerable.Range(0, 100).Select(_ => SetAsync(silent, NewKey(), "1").AsTask())
                .Concat(Enumerable.Range(0, 100).Select(_ => SetAsync(closed, NewKey(), "1").AsTask())).ToArray();
            _ = closed.ExecuteAsync(new[] { "PING" }, Cancellation).AsTask();
            using var cancellation = new CancellationTokenSource(100);
            _ = SetAsync(closed, NewKey(), "1", cancellation: cancellation.Token).AsTask().ContinueWith(static task => task.Exception, TaskScheduler.Default);
            await Task.Delay(100, Cancellation);
            await closed.DisposeAsync();
            await silent.Closed;
            await Task.WhenAll(pending);
        }
        finally
        {
            Server.Resume();
        }

        await silent.DisposeAsync();
        await SetAsync(silent, NewKey(), "1");
    }
}
