using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ShardedCache.Connections;
using ShardedCache.Testing;

namespace ShardedCache.Contract.Connections;

/// <summary>How a connection comes about, and why it does not.</summary>
public abstract class HandshakeContract(ServerFixture fixture) : ConnectionContract, IClassFixture<ServerFixture>
{
    /// <summary>What a connection itself needs on a server, beside the commands that are given to it.</summary>
    private const string LeastRules = "resetkeys resetchannels ~test:* " + AclRules.ServerCommands;

    private RedisProcess Server => fixture.Server;

    [Fact]
    public async Task An_address_where_nobody_listens_is_unreachable()
    {
        using var unused = new TcpListener(IPAddress.Loopback, 0);
        unused.Start();
        var port = ((IPEndPoint)unused.LocalEndpoint).Port;
        unused.Stop();

        var fault = await FailsAsync(new ServerAddress("127.0.0.1", port), new ConnectionSettings());
        Assert.Equal(ConnectionFaultKind.Unreachable, fault.Kind);
        Assert.Contains($"127.0.0.1:{port}", fault.Message);
        fault = await FailsAsync(new ServerAddress("no-such-host.invalid", port), new ConnectionSettings { ConnectTimeout = Patience });
        Assert.Equal(ConnectionFaultKind.Unreachable, fault.Kind);
    }

    [Fact]
    public async Task A_host_name_is_resolved()
    {
        await using var connection = await OpenAsync(new ServerAddress("localhost", Server.Port));
        Assert.Equal(Reply.Ok, await SetAsync(connection, NewKey(), "1"));
        Assert.Equal("localhost", connection.Address.Host);
    }

    [Fact]
    public async Task A_stopped_server_costs_the_connect_time_out_and_no_more()
    {
        Server.Pause();
        try
        {
            var waited = Stopwatch.StartNew();
            var fault = await FailsAsync(AddressOf(Server), new ConnectionSettings { ConnectTimeout = TimeSpan.FromMilliseconds(500) });
            Assert.Equal(ConnectionFaultKind.HandshakeTimedOut, fault.Kind);
            Assert.InRange(waited.ElapsedMilliseconds, 450, 2000);
        }
        finally
        {
            Server.Resume();
        }

        await HoldsAsync(async () => await CountClientsAsync(Server, "ShardedCache") == 0, "the attempt leaves no connection");
    }

    [Fact]
    public async Task Opening_can_be_cancelled()
    {
        Server.Pause();
        try
        {
            using var cancellation = new CancellationTokenSource(100);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Connector.OpenAsync(
                AddressOf(Server), new ConnectionSettings { ConnectTimeout = TimeSpan.FromSeconds(30) }, cancellation.Token));
        }
        finally
        {
            Server.Resume();
        }

        await HoldsAsync(async () => await CountClientsAsync(Server, "ShardedCache") == 0, "the attempt leaves no connection");
    }

    [Fact]
    public async Task The_server_knows_the_connection_by_its_name_and_id()
    {
        await using var connection = await OpenAsync(AddressOf(Server), new ConnectionSettings { ClientName = "the-name" });
        Assert.Contains($"id={connection.ClientId} ", (await Server.ExecuteAsync("CLIENT", "LIST")).Split('\n').Single(line => line.Contains("name=the-name ")));
    }

    [Fact]
    public async Task One_connection_is_one_socket()
    {
        var before = await CountConnectionsAsync();
        await using var connection = await OpenAsync(AddressOf(Server), new ConnectionSettings { ClientName = "single" });
        Assert.Equal(Reply.Ok, await connection.SubscribeAsync("channel", static (_, _) => { }, Cancellation));
        Assert.Equal(1, await CountClientsAsync(Server, "single"));
        Assert.Equal(before + 1, await CountConnectionsAsync());

        async Task<int> CountConnectionsAsync() => (await Server.ExecuteAsync("CLIENT", "LIST")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
    }

    [Fact]
    public async Task Wrong_missing_and_insufficient_credentials_are_configuration_errors_that_name_no_secret()
    {
        await using var farm = await ProtectedFarmAsync();
        var server = farm.Shards[0].InitialMaster;
        await server.ExecuteAsync("ACL", "SETUSER", "nobody", "on", ">secret-word", "~*", "-@all");

        foreach (var credentials in new[] { new Credentials("app", "wrong-secret-word"), Credentials.None, new Credentials("nobody", "secret-word") })
        {
            var fault = await FailsAsync(AddressOf(server), With(credentials));
            Assert.Equal(ConnectionFaultKind.Refused, fault.Kind);
            Assert.True(fault.IsConfigurationError);
            Assert.DoesNotContain("secret-word", fault.ToString());
        }
    }

    [Fact]
    public async Task A_user_with_no_more_than_the_documented_rights_can_do_everything_a_cache_does()
    {
        await using var farm = await ProtectedFarmAsync();
        var server = farm.Shards[0].InitialMaster;
        await server.ExecuteAsync("ACL", "LOG", "RESET");
        await using var connection = await OpenAsync(AddressOf(server), With(new Credentials("app", "right")));
        var key = NewKey();

        Assert.True(connection.ClientId > 0);
        foreach (var mode in Enum.GetValues<CallMode>())
        {
            Assert.Equal(Reply.Ok, await SetAsync(connection, key, "1", mode));
            Assert.Equal("1", await ReadAsync(connection, key, mode));
            Assert.Equal(1, (await connection.RunAsync(new StoredScript("one", "return #redis.call('GET', KEYS[1])"), key, [], mode, Cancellation)).Integer);
        }

        Assert.Equal(ServerErrorCode.NoPerm, (await connection.SubscribeAsync("channel", static (_, _) => { }, Cancellation)).Error);
        Assert.Equal(ServerErrorCode.NoPerm, (await connection.ExecuteAsync(new[] { "KEYS", "*" }, Cancellation)).Error);
        Assert.Equal("1", await ReadAsync(connection, key));
    }

    [Fact]
    public async Task Credentials_are_asked_for_at_each_connect()
    {
        await using var farm = await ProtectedFarmAsync();
        var server = farm.Shards[0].InitialMaster;
        var password = "right";
        var settings = new ConnectionSettings
        {
            ConnectTimeout = Patience,
            Credentials = async cancellationToken =>
            {
                await Task.Delay(10, cancellationToken);
                return new Credentials("app", password);
            },
        };
        await using var first = await OpenAsync(AddressOf(server), settings);
        await server.ExecuteAsync("ACL", "SETUSER", "app", "resetpass", ">newer");
        Assert.Equal(ConnectionFaultKind.Refused, (await FailsAsync(AddressOf(server), settings)).Kind);

        password = "newer";
        await using var second = await OpenAsync(AddressOf(server), settings);
        Assert.Equal(Reply.Ok, await SetAsync(second, NewKey(), "1"));
    }

    [Fact]
    public async Task Credentials_that_cannot_be_had_are_a_fault_that_does_not_tell_why()
    {
        var settings = new ConnectionSettings { Credentials = static _ => throw new InvalidOperationException("secret-word") };
        var fault = await FailsAsync(AddressOf(Server), settings);
        Assert.False(fault.IsConfigurationError, "the next attempt may have them");
        Assert.Contains("could not be had: asking for them threw InvalidOperationException", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", fault.ToString());
    }

    [Fact]
    public async Task A_server_that_is_full_is_no_configuration_error()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
        var server = farm.Shards[0].InitialMaster;
        await using var first = await OpenAsync(server);
        await server.ExecuteAsync("CONFIG", "SET", "maxclients", "1");

        var fault = await FailsAsync(AddressOf(server), new ConnectionSettings { ConnectTimeout = Patience });
        Assert.False(fault.IsConfigurationError, fault.ToString());
        Assert.Equal(Reply.Ok, await SetAsync(first, NewKey(), "1"));
    }

    [Fact]
    public async Task A_server_that_refuses_writes_for_its_disk_is_alive()
    {
        var options = new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0, ServerConfiguration = { "enable-protected-configs yes" } };
        await using var farm = await RedisFarm.StartAsync(options, Cancellation);
        var server = farm.Shards[0].InitialMaster;
        await using var before = await OpenAsync(server);
        var directory = Directory.CreateTempSubdirectory("misconf-");
        await server.ExecuteAsync("CONFIG", "SET", "dir", directory.FullName);
        directory.Delete();
        await server.ExecuteAsync("CONFIG", "SET", "save", "3600 1");
        await server.ExecuteAsync("BGSAVE");
        await HoldsAsync(async () => (await server.ExecuteAsync("INFO", "persistence")).Contains("rdb_last_bgsave_status:err"), "the save fails");

        await using var after = await OpenAsync(server);
        foreach (var connection in new[] { before, after })
        {
            Assert.Equal(ServerErrorCode.Misconf, (await connection.ExecuteAsync(new[] { "PING" }, Cancellation)).Error);
            Assert.Equal(ServerErrorCode.Misconf, (await SetAsync(connection, NewKey(), "1")).Error);
            Assert.Null(await ReadAsync(connection, NewKey()));
        }

        await Task.Delay(2500, Cancellation);
        Assert.False(before.Closed.IsCompleted || after.Closed.IsCompleted);
    }

    [Fact]
    public async Task A_replica_answers_reads_and_refuses_writes_until_it_is_promoted()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, ReplicasPerShard = 1, Sentinels = 0 }, Cancellation);
        await using var master = await OpenAsync(farm.Shards[0].InitialMaster);
        var server = farm.Shards[0].Servers.Single(process => process != farm.Shards[0].InitialMaster);
        await using var replica = await OpenAsync(server);
        var key = NewKey();
        await SetAsync(master, key, "1");
        await HoldsAsync(async () => await ReadAsync(replica, key) == "1", "the replica has the entry");
        Assert.Equal(ServerErrorCode.ReadOnly, (await SetAsync(replica, key, "2")).Error);

        await server.ExecuteAsync("REPLICAOF", "NO", "ONE");
        Assert.Equal(Reply.Ok, await SetAsync(replica, key, "3"));
        Assert.Equal(Reply.Ok, await replica.SetAsync(key, [], Payload("4"), Timeout.InfiniteTimeSpan, CallMode.Blocking, Cancellation));
        Assert.Equal("4", await ReadAsync(replica, key));

        await farm.Shards[0].InitialMaster.ExecuteAsync("REPLICAOF", server.Host, $"{server.Port}");
        Assert.Equal(ServerErrorCode.ReadOnly, (await SetAsync(master, key, "5")).Error);
    }

    [Fact]
    public async Task Tls_is_verified_as_the_settings_say()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0, Tls = true, RequireClientCertificate = true }, Cancellation);
        var address = AddressOf(farm.Shards[0].InitialMaster);
        var trusting = new TlsSettings(
            ServerCertificateValidation: (_, certificate, _, _) => certificate is X509Certificate2 shown && shown.Issuer == farm.CaCertificate!.Subject,
            ClientCertificate: farm.ClientCertificate);
        await using var connection = await OpenAsync(address, new ConnectionSettings { Tls = trusting, ConnectTimeout = Patience });
        Assert.Equal(Reply.Ok, await SetAsync(connection, NewKey(), "1"));

        foreach (var wrong in new[] { trusting with { ServerCertificateValidation = null }, trusting with { ServerCertificateValidation = static (_, _, _, _) => false }, trusting with { ServerCertificateValidation = Broken } })
        {
            var fault = await FailsAsync(address, new ConnectionSettings { Tls = wrong, ConnectTimeout = Patience });
            Assert.Equal(ConnectionFaultKind.Tls, fault.Kind);
            Assert.Equal(wrong.ServerCertificateValidation == Broken, fault.Message.Contains("The trust store cannot be read.", StringComparison.Ordinal));
        }

        var refused = await FailsAsync(address, new ConnectionSettings { Tls = trusting with { ClientCertificate = null }, ConnectTimeout = Patience });
        Assert.True(refused.Kind is ConnectionFaultKind.Tls or ConnectionFaultKind.ClosedByPeer, refused.ToString());

        // A server without TLS takes the client's greeting for the start of a command, and waits for its end.
        Assert.Equal(ConnectionFaultKind.HandshakeTimedOut, (await FailsAsync(AddressOf(Server), new ConnectionSettings { Tls = trusting })).Kind);
    }

    private static bool Broken(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        throw new InvalidOperationException("The trust store cannot be read.");

    private static Task<RedisFarm> ProtectedFarmAsync() => RedisFarm.StartAsync(
        new RedisFarmOptions { Shards = 1, ReplicasPerShard = 0, Sentinels = 0, User = "app", Password = "right", UserRules = LeastRules }, Cancellation);

    private static ConnectionSettings With(Credentials credentials) => new() { ConnectTimeout = Patience, Credentials = _ => new ValueTask<Credentials>(credentials) };
}
