namespace ShardedCache;

/// <summary>The keys that a connection string may hold, and what to say about one that it may not.</summary>
internal static class ConnectionStringKeys
{
    public const string Shards = "shards";
    public const string ServiceName = "serviceName";
    public const string User = "user";
    public const string Password = "password";
    public const string SentinelUser = "sentinelUser";
    public const string SentinelPassword = "sentinelPassword";
    public const string Ssl = "ssl";
    public const string SentinelSsl = "sentinelSsl";
    public const string SslHost = "sslHost";
    public const string Name = "name";
    public const string InstanceName = "instanceName";
    public const string OperationTimeout = "operationTimeout";
    public const string ConnectTimeout = "connectTimeout";
    public const string MaximumPayloadBytes = "maximumPayloadBytes";
    public const string LocalTierSizeLimit = "localTierSizeLimit";
    public const string LocalTierMaxEntrySize = "localTierMaxEntrySize";
    public const string FailoverMode = "failoverMode";
    public const string Transport = "transport";
    public const string MaxStaleness = "maxStaleness";
    public const string JournalSizeLimit = "journalSizeLimit";

    public static readonly IReadOnlyList<string> All =
    [
        Shards, ServiceName, User, Password, SentinelUser, SentinelPassword, Ssl, SentinelSsl, SslHost, Name,
        InstanceName, OperationTimeout, ConnectTimeout, MaximumPayloadBytes, LocalTierSizeLimit, LocalTierMaxEntrySize,
        FailoverMode, MaxStaleness, JournalSizeLimit, Transport,
    ];

    /// <summary>What StackExchange.Redis calls something else, or what this cache settles by itself.</summary>
    private static readonly Dictionary<string, string> ForeignKeys = new(StringComparer.OrdinalIgnoreCase)
    {
        ["syncTimeout"] = $"use '{OperationTimeout}'",
        ["asyncTimeout"] = $"use '{OperationTimeout}'",
        ["responseTimeout"] = $"use '{OperationTimeout}'",
        ["channelPrefix"] = $"leave it out; to prefix keys use '{InstanceName}'",
        ["abortConnect"] = "leave it out: start-up never waits for a server",
        ["connectRetry"] = "leave it out: a broken connection is always replaced",
        ["keepAlive"] = "leave it out: silent connections are found by their deadlines",
        ["defaultDatabase"] = "leave it out: the cache uses database 0",
        ["tiebreaker"] = "leave it out: Sentinels alone decide who is master",
    };

    public static bool IsSecret(string key) =>
        key.Equals(Password, StringComparison.OrdinalIgnoreCase) || key.Equals(SentinelPassword, StringComparison.OrdinalIgnoreCase);

    public static bool IsKnown(string key) => All.Contains(key, StringComparer.OrdinalIgnoreCase);

    /// <summary>What to do about an unknown key.</summary>
    public static string Hint(string key) => ForeignKeys.TryGetValue(key, out var advice) ? advice + "." : NearestName.Hint(key, All);
}
