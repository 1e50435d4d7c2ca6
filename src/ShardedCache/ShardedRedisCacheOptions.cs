using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ShardedCache.Entries;
using StackExchange.Redis;

namespace ShardedCache;

/// <summary>
/// What a sharded cache connects to and how it behaves. An option that is set here wins over the same key in
/// <see cref="Configuration"/>. Everything is checked together when the host starts, or at first use without a host; a
/// value out of its range is an <see cref="Microsoft.Extensions.Options.OptionsValidationException"/> then.
/// </summary>
public sealed class ShardedRedisCacheOptions
{
    internal const int DefaultMaximumPayloadBytes = 8 * 1024 * 1024;

    // A Redis string holds 512 MiB; the entry's header comes out of that.
    internal const int LargestMaximumPayloadBytes = (512 * 1024 * 1024) - EntryHeader.MaxLength;

    internal const int LongestInstanceName = 1024;

    internal const long DefaultLocalTierSizeLimit = 64 * 1024 * 1024;

    internal const long SmallestLocalTierSizeLimit = 1024 * 1024;

    internal const int DefaultLocalTierMaxEntrySize = 64 * 1024;

    internal const long DefaultJournalSizeLimit = 64 * 1024 * 1024;

    internal const long SmallestJournalSizeLimit = 64 * 1024;

    internal static readonly TimeSpan DefaultMaxStaleness = TimeSpan.FromMinutes(1);

    internal static readonly TimeSpan LongestMaxStaleness = TimeSpan.FromMinutes(10);

    internal static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(1);

    internal static readonly TimeSpan ShortestTimeout = TimeSpan.FromMilliseconds(50);

    internal static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The connection string: Sentinels and shard names (<c>10.0.0.1:26379,10.0.0.2:26379,shards=shard-{0..7}</c>) or
    /// fixed servers (<c>10.0.0.1:6379,10.0.0.2:6379</c>), with user, password, TLS and other settings behind them.
    /// Default: the configuration's <c>ConnectionStrings:ShardedRedis</c>. Where that is missing too, Development keeps
    /// entries in memory and every other environment fails at start-up.
    /// </summary>
    public string? Configuration { get; set; }

    /// <summary>
    /// A prefix put before every key as it stands, so that several applications can share a farm. Default: none. Bound:
    /// 1,024 bytes of UTF-8; with it, a key has at most 64 KiB. It must not hold a brace (it would send every key to one shard), nor begin with <c>__shardedcache:</c>, nor hold half a
    /// surrogate pair.
    /// </summary>
    public string? InstanceName { get; set; }

    /// <summary>
    /// How long one operation waits for its server before it is answered without it; a connection on which nothing is
    /// received for that long while a reply is awaited is replaced. With Sentinels in <see cref="FailoverMode.LocalTier"/> the
    /// server gets seven eighths of it, and the rest is for the replica that is asked then. Default: 1 second. Bounds: 50 milliseconds to 1 minute.
    /// </summary>
    public TimeSpan OperationTimeout
    {
        get => OperationTimeoutIfSet ?? DefaultTimeout;
        set => OperationTimeoutIfSet = value;
    }

    /// <summary>
    /// How long opening a connection may take, from TCP to the end of authentication, before it counts as failed.
    /// Default: 1 second. Bounds: 50 milliseconds to 1 minute.
    /// </summary>
    public TimeSpan ConnectTimeout
    {
        get => ConnectTimeoutIfSet ?? DefaultTimeout;
        set => ConnectTimeoutIfSet = value;
    }

    /// <summary>
    /// The largest value that is stored, in bytes; a larger one is refused with <see cref="ArgumentException"/> and
    /// nothing is sent. Default: 8 MiB. Bounds: 1 byte to 26 bytes less than Redis's own 512 MiB.
    /// </summary>
    public int MaximumPayloadBytes
    {
        get => MaximumPayloadBytesIfSet ?? DefaultMaximumPayloadBytes;
        set => MaximumPayloadBytesIfSet = value;
    }

    /// <summary>
    /// What callers see while the shard of their key is not up. Default: <see cref="FailoverMode.LocalTier"/>. A wrong
    /// configuration (credentials, rights, TLS, the sharding rule) throws in every mode.
    /// </summary>
    public FailoverMode FailoverMode
    {
        get => FailoverModeIfSet ?? FailoverMode.LocalTier;
        set => FailoverModeIfSet = value;
    }

    /// <summary>
    /// By what the cache talks to servers and Sentinels. Default: <see cref="ShardTransport.StackExchangeRedis"/>.
    /// </summary>
    public ShardTransport Transport
    {
        get => TransportIfSet ?? ShardTransport.StackExchangeRedis;
        set => TransportIfSet = value;
    }

    /// <summary>
    /// While a shard is not up: how old a copy in memory may be, counted from when its master last confirmed it, and how far a
    /// replica may have lagged behind, to be read. What this process itself wrote is served in any case. Default: 1 minute. Bounds: 0
    /// (neither is read) to 10 minutes.
    /// </summary>
    public TimeSpan MaxStaleness
    {
        get => MaxStalenessIfSet ?? DefaultMaxStaleness;
        set => MaxStalenessIfSet = value;
    }

    /// <summary>
    /// How much memory the journals of all shards may take together, in bytes: keys and values that are not yet proven to be
    /// replicated, and 200 more for each. Beyond it values that were only read are dropped, then the oldest that were written (their
    /// keys are still invalidated), then the oldest keys forgotten; what was written is counted by <c>shardedcache.journal.dropped</c>.
    /// Default: 64 MiB. Bound: at least 64 KiB.
    /// </summary>
    public long JournalSizeLimit
    {
        get => JournalSizeLimitIfSet ?? DefaultJournalSizeLimit;
        set => JournalSizeLimitIfSet = value;
    }

    /// <summary>
    /// The largest value, in bytes, that a copy is kept of for the time of a failover; what this process wrote itself is kept in the
    /// journal whatever its size, until it is replicated. Default: 64 KiB. Bounds: 0 (no copies) to <see cref="MaximumPayloadBytes"/>'s own.
    /// </summary>
    public int LocalTierMaxEntrySize
    {
        get => LocalTierMaxEntrySizeIfSet ?? DefaultLocalTierMaxEntrySize;
        set => LocalTierMaxEntrySizeIfSet = value;
    }

    /// <summary>
    /// How much memory the copies kept in this process may take, of all shards together, in bytes: of keys, of values, and 200
    /// more for each entry. It is divided into equal parts: one for each shard, of 16 parts each. Beyond it entries that were not used
    /// for long are dropped; one that is larger than a part is not kept. Default: 64 MiB. Bound: at least 1 MiB.
    /// </summary>
    public long LocalTierSizeLimit
    {
        get => LocalTierSizeLimitIfSet ?? DefaultLocalTierSizeLimit;
        set => LocalTierSizeLimitIfSet = value;
    }

    /// <summary>
    /// Asked for user and password whenever a connection to a shard is opened, so that they can rotate, and bounded by
    /// <see cref="ConnectTimeout"/>. Default: <c>user=</c> and <c>password=</c> of the connection string, over which it wins.
    /// </summary>
    public Func<CancellationToken, ValueTask<ShardedRedisCredentials>>? CredentialsProvider { get; set; }

    /// <summary>
    /// The same as <see cref="CredentialsProvider"/>, for Sentinels. Default: <c>sentinelUser=</c> and
    /// <c>sentinelPassword=</c> of the connection string; the shards' credentials are never sent to a Sentinel.
    /// </summary>
    public Func<CancellationToken, ValueTask<ShardedRedisCredentials>>? SentinelCredentialsProvider { get; set; }

    /// <summary>
    /// Decides whether a server's certificate is accepted, with <c>ssl=true</c>. Default: the operating system's rules.
    /// </summary>
    public RemoteCertificateValidationCallback? ServerCertificateValidation { get; set; }

    /// <summary>The certificate shown to servers that ask for one, with <c>ssl=true</c>. Default: none.</summary>
    public X509Certificate2? ClientCertificate { get; set; }

    /// <summary>
    /// Called with what StackExchange.Redis is given for each connection, before the cache makes its own settings, which
    /// win (one end point, credentials, TLS, no reconnecting, no backlog): for a profiler, TLS protocols and the like.
    /// Default: none. Only with <see cref="ShardTransport.StackExchangeRedis"/>.
    /// </summary>
    public Action<ConfigurationOptions>? ConfigureStackExchangeRedis { get; set; }

    /// <summary>
    /// Gives an existing multiplexer for a fixed end point, named as <c>host:port</c> in lower case; it must have that end
    /// point and no other. The cache uses it and never closes it; reconnecting, credentials and TLS are the multiplexer's
    /// own. Only without Sentinels, and with <see cref="ShardTransport.StackExchangeRedis"/>. Default: none, the cache opens its own.
    /// </summary>
    public Func<string, Task<IConnectionMultiplexer>>? ConnectionMultiplexerFactory { get; set; }

    internal TimeSpan? OperationTimeoutIfSet { get; private set; }

    internal TimeSpan? ConnectTimeoutIfSet { get; private set; }

    internal int? MaximumPayloadBytesIfSet { get; private set; }

    internal long? LocalTierSizeLimitIfSet { get; private set; }

    internal FailoverMode? FailoverModeIfSet { get; private set; }

    internal ShardTransport? TransportIfSet { get; private set; }

    internal TimeSpan? MaxStalenessIfSet { get; private set; }

    internal long? JournalSizeLimitIfSet { get; private set; }

    internal int? LocalTierMaxEntrySizeIfSet { get; private set; }

    /// <summary>What could not be read from a configuration section, for the validator to report with everything else.</summary>
    internal List<string> BindingFaults { get; } = [];

    /// <summary>The paths of sections that the options were to be read from.</summary>
    internal List<string> MissingSections { get; } = [];
}
