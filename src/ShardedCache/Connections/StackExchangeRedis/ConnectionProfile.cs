using System.Net;
using StackExchange.Redis;

namespace ShardedCache.Connections.StackExchangeRedis;

/// <summary>What must hold for every connection, set on the client's options after what the application has set.</summary>
internal static class ConnectionProfile
{
    // The client's own time-outs and probes must never come before ours, and these keep them out of the way.
    private const int Never = 24 * 60 * 60 * 1000;

    // A server that may not write answers PING with an error, for which the client would give the connection up: its probes
    // are ECHO and TIME instead. Our own PING goes by a name that the client has no use for.
    private static readonly CommandMap Servers = CommandMap.Create(
        new Dictionary<string, string?> { ["CONFIG"] = null, ["CLUSTER"] = null, ["SENTINEL"] = null, ["PING"] = null, [PingAlias] = "PING" });

    private static readonly CommandMap Sentinels = CommandMap.Create(
        new HashSet<string> { "AUTH", "HELLO", "PING", "INFO", "ROLE", "SENTINEL", "CLIENT", "SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE" });

    /// <summary>The name under which the client's command map sends PING to a server.</summary>
    public const string PingAlias = "DEBUG";

    public static void Apply(
        ConfigurationOptions options, ServerAddress address, ConnectionSettings settings, Credentials credentials, ConnectionSocket socket)
    {
        options.EndPoints.Clear();
        options.EndPoints.Add(IPAddress.TryParse(address.Host, out var ip) ? new IPEndPoint(ip, address.Port) : new DnsEndPoint(address.Host, address.Port));
        options.ServiceName = null;
        options.TieBreaker = string.Empty;
        options.ConfigurationChannel = string.Empty;
        options.CommandMap = settings.Kind == ServerKind.Sentinel ? Sentinels : Servers;
        options.Protocol = RedisProtocol.Resp3;

        // A subscription on a socket of its own could die unnoticed, is opened late, and its first SUBSCRIBE would fail for that.
        options.SharedSubscriptionConnection = true;
        options.DefaultDatabase = 0;
        options.AllowAdmin = true;
        options.ConfigCheckSeconds = 0;
        options.TopologyRefreshSeconds = 0;
        options.MaintenanceNotifications = MaintenanceNotificationMode.Disabled;
        options.HeartbeatConsistencyChecks = false;
        options.KeepAlive = Never / 1000;
        options.ClientName = settings.ClientName;
        options.User = credentials.User;
        options.Password = credentials.Password;

        options.AbortOnConnectFail = false;
        options.ConnectRetry = 1;
        options.ReconnectRetryPolicy = NoReconnect.Instance;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.ConnectTimeout = (int)settings.ConnectTimeout.TotalMilliseconds + 1000;
        options.SyncTimeout = Never;
        options.AsyncTimeout = Never;

        var before = options.BeforeSocketConnect;
        options.BeforeSocketConnect = (endPoint, type, newSocket) =>
        {
            socket.Adopt(newSocket);
            before?.Invoke(endPoint, type, newSocket);
        };
        SetTls(options, address, settings.Tls);
    }

    private static void SetTls(ConfigurationOptions options, ServerAddress address, TlsSettings? tls)
    {
        options.Ssl = tls is not null;
        if (tls is null)
        {
            return;
        }

        options.SslHost = tls.TargetHost ?? address.Host;
        if (tls.Validation is { } validation)
        {
            options.CertificateValidation += validation;
        }

        if (tls.ClientCertificate is { } certificate)
        {
            options.CertificateSelection += (_, _, _, _, _) => certificate;
        }
    }

    private sealed class NoReconnect : IReconnectRetryPolicy
    {
        public static NoReconnect Instance { get; } = new();

        public bool ShouldRetry(long currentRetryCount, int timeElapsedMillisecondsSinceLastRetry) => false;
    }
}
