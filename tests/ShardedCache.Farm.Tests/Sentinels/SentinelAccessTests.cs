using System.Security.Cryptography.X509Certificates;
using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Farm.Tests.Cache;
using ShardedCache.Sentinels;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Sentinels;

public sealed class SentinelAccessTests : IAsyncLifetime
{
    private readonly StackExchangeConnector _connector = new(TimeProvider.System);
    private readonly RecordedLog _log = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _connector.DisposeAsync();

    [Fact]
    public async Task Sentinels_are_asked_over_TLS_with_a_client_certificate_and_an_untrusted_one_is_a_configuration_error()
    {
        await using var farm = await StartAsync(new RedisFarmOptions { Tls = true, RequireClientCertificate = true });
        var tls = new TlsSettings(null, (_, certificate, _, _) => IsIssuedBy(farm.CaCertificate!, certificate!), farm.ClientCertificate);

        await using var trusting = Ask(farm, new ConnectionSettings { Tls = tls });
        await SentinelFarm.KnowsMasterAsync(trusting, farm.Shards[0], farm.Shards[0].InitialMaster);

        await using var distrusting = Ask(farm, new ConnectionSettings { Tls = tls with { ServerCertificateValidation = null } });
        await Eventually.HoldsAsync(() => distrusting.Current("shard-0").Fault?.Kind == MasterFaultKind.Refused, "the certificate is refused");
        Assert.Contains("Tls", distrusting.Current("shard-0").Fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sentinels_may_be_known_by_name_and_may_name_hosts()
    {
        await using var farm = await StartAsync(new RedisFarmOptions());
        var (sentinel, master) = (farm.Sentinels[0], farm.Shards[0].InitialMaster);
        await sentinel.ExecuteAsync("SENTINEL", "CONFIG", "SET", "resolve-hostnames", "yes");
        await sentinel.ExecuteAsync("SENTINEL", "CONFIG", "SET", "announce-hostnames", "yes");
        await sentinel.ExecuteAsync("SENTINEL", "REMOVE", "shard-0");
        await sentinel.ExecuteAsync("SENTINEL", "MONITOR", "shard-0", "localhost", $"{master.Port}", "1");

        await using var masters = SentinelFarm.Ask(_connector, [new("LocalHost", sentinel.Port)], ["shard-0"], _log);

        await Eventually.HoldsAsync(() => masters.Current("shard-0").Master == new ServerAddress("localhost", master.Port), "the master is known by name");
    }

    [Fact]
    public async Task The_servers_take_the_settings_that_the_documentation_recommends()
    {
        var options = new RedisFarmOptions();
        var page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "sentinels.md"), Cancelled);
        var block = page.Split("## Setting up the servers")[1].Split("```")[1];
        string[] settings = [.. block.Split('\n').Where(static line => line.Length > 0 && line[0] != '#')];
        foreach (var line in settings)
        {
            options.ServerConfiguration.Add(line);
        }

        await using var farm = await StartAsync(options);

        Assert.Equal(3, settings.Length);
        foreach (var setting in settings.Select(static line => line.Split(' ')))
        {
            Assert.Equal($"{setting[0]}\n{setting[1]}", await farm.Shards[0].InitialMaster.ExecuteAsync("CONFIG", "GET", setting[0]));
        }
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "ShardedCache.sln")))
        {
            directory = directory.Parent!;
        }

        return directory.FullName;
    }

    private static Task<RedisFarm> StartAsync(RedisFarmOptions options)
    {
        options.Shards = 1;
        options.ReplicasPerShard = 0;
        options.Sentinels = 1;
        return RedisFarm.StartAsync(options, Cancelled);
    }

    private static bool IsIssuedBy(X509Certificate2 authority, X509Certificate certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var server = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        return chain.Build(server);
    }

    private SentinelMasters Ask(RedisFarm farm, ConnectionSettings settings) =>
        SentinelFarm.Ask(_connector, [.. farm.Sentinels.Select(SentinelFarm.AddressOf)], ["shard-0"], _log, settings: settings);
}
