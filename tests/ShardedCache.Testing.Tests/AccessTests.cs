using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace ShardedCache.Testing.Tests;

public class AccessTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_protected_farm_fails_over_and_admits_the_application_as_its_rules_say()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions
            {
                Shards = 1,
                User = "app",
                Password = "pass",
                UserRules = "~* +get +ping",
                SentinelUser = "watcher",
                SentinelPassword = "word",
                SentinelUserRules = "+ping",
            },
            Cancellation);
        var master = await farm.Shards[0].FailOverAsync(Cancellation);

        Assert.EndsWith("shards=shard-0,user=app,password=pass,sentinelUser=watcher,sentinelPassword=word", farm.ConnectionString, StringComparison.Ordinal);
        Assert.Equal("NOAUTH", await ReplyAsync(master, "PING"));
        Assert.Equal("PONG", await ReplyAsync(master, "AUTH app pass", "PING"));
        Assert.Equal("NOPERM", await ReplyAsync(master, "AUTH app pass", "SET key value"));
        Assert.Equal("NOAUTH", await ReplyAsync(farm.Sentinels[0], "PING"));
        Assert.Equal("PONG", await ReplyAsync(farm.Sentinels[0], "AUTH watcher word", "PING"));
        Assert.Equal("NOPERM", await ReplyAsync(farm.Sentinels[0], "AUTH watcher word", "SENTINEL MASTERS"));
    }

    [Fact]
    public async Task A_tls_farm_fails_over_and_its_certificates_are_those_of_its_authority()
    {
        await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1, Tls = true }, Cancellation);

        var master = await farm.Shards[0].FailOverAsync(Cancellation);

        Assert.EndsWith(",ssl=true", farm.ConnectionString, StringComparison.Ordinal);
        await using var trusted = await HandshakeAsync(master, farm.CaCertificate!, null);
        using var strangers = X509CertificateLoader.LoadCertificate(farm.ClientCertificate!.RawData);
        await Assert.ThrowsAsync<AuthenticationException>(() => HandshakeAsync(master, strangers, null));
    }

    [Fact]
    public async Task A_farm_that_requires_client_certificates_turns_away_who_has_none()
    {
        await using var farm = await RedisFarm.StartAsync(
            new RedisFarmOptions { Shards = 1, Sentinels = 1, Tls = true, RequireClientCertificate = true }, Cancellation);
        var master = farm.Shards[0].InitialMaster;

        await using var admitted = await HandshakeAsync(master, farm.CaCertificate!, farm.ClientCertificate);
        Assert.Equal("PONG", await ReplyAsync(admitted, "PING"));
        Assert.NotEqual("PONG", await StrangerAsync());

        async Task<string> StrangerAsync()
        {
            try
            {
                // With TLS 1.3 the refusal comes after the handshake.
                await using var stranger = await HandshakeAsync(master, farm.CaCertificate!, null);
                return await ReplyAsync(stranger, "PING");
            }
            catch (Exception e) when (e is IOException or AuthenticationException)
            {
                return e.Message;
            }
        }
    }

    private static async Task<string> ReplyAsync(RedisProcess process, params string[] commands)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(process.EndPoint, Cancellation);
        return await ReplyAsync(client.GetStream(), commands);
    }

    /// <summary>The first word of the last command's reply, over the inline protocol.</summary>
    private static async Task<string> ReplyAsync(Stream stream, params string[] commands)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        string? reply = null;
        foreach (var command in commands)
        {
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(command + "\r\n"), Cancellation);
            reply = await reader.ReadLineAsync(Cancellation);
        }

        return reply?[1..].Split(' ')[0] ?? "";
    }

    private static async Task<SslStream> HandshakeAsync(RedisProcess process, X509Certificate2 authority, X509Certificate2? client)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(process.EndPoint, Cancellation);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = process.Host,
                ClientCertificates = client is null ? [] : [client],
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
            Cancellation);
        return stream;
    }
}
