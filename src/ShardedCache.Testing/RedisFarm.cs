using System.Security.Cryptography.X509Certificates;
using ShardedCache.Testing.Configuration;
using ShardedCache.Testing.Processes;

namespace ShardedCache.Testing;

/// <summary>
/// A farm of real redis-server and Sentinel processes on loopback, for tests: shards of a master and its replicas, and the Sentinels that
/// watch them. It never restarts anything by itself. Disposal, or the end of this process however it comes, ends every process of the
/// farm and removes its directory. Linux and macOS.
/// </summary>
public sealed class RedisFarm : IAsyncDisposable
{
    private readonly FarmContext _context;
    private readonly FarmSentinels _sentinels;
    private int _disposed;

    private RedisFarm(FarmContext context)
    {
        _context = context;
        _sentinels = new FarmSentinels(context);
    }

    /// <summary>
    /// The connection string of the farm, in ShardedCache's style: the Sentinels, <c>shards=</c> and, where they are set, credentials and
    /// <c>ssl=true</c>. Without Sentinels: the fixed end points of the initial masters.
    /// </summary>
    public string ConnectionString => FarmConnectionString.For(this, _context.Options);

    /// <summary>The shards, in the order of their indexes.</summary>
    public IReadOnlyList<RedisFarmShard> Shards { get; private set; } = [];

    /// <summary>The Sentinels, whether they run or not.</summary>
    public IReadOnlyList<RedisProcess> Sentinels => _sentinels.All;

    /// <summary>Directory of all data, configuration and logs; it goes when the farm does.</summary>
    public string Directory => _context.Directory;

    /// <summary>With <see cref="RedisFarmOptions.Tls"/>: the certificate of the authority that signed the processes' certificates; else null.</summary>
    public X509Certificate2? CaCertificate => _context.Certificates?.Ca;

    /// <summary>With <see cref="RedisFarmOptions.Tls"/>: a certificate, with its private key, that the farm accepts from a client; else null.</summary>
    public X509Certificate2? ClientCertificate => _context.Certificates?.Client;

    /// <summary>
    /// Starts a farm and returns when every replica is online and every Sentinel knows every master, its replicas and the other Sentinels.
    /// </summary>
    /// <param name="options">What to start; null: the defaults.</param>
    /// <param name="cancellationToken">Ends the start; what already runs is ended, too.</param>
    /// <exception cref="RedisFarmException">redis-server is missing, or the farm did not come up in time; with the end of the log concerned.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="PlatformNotSupportedException">On Windows: Redis does not run there.</exception>
    public static async Task<RedisFarm> StartAsync(RedisFarmOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("RedisFarm starts redis-server and controls it by Unix signals; use Linux, macOS or WSL.");
        }

        options ??= new RedisFarmOptions();
        RedisFarmOptionsCheck.ThrowIfInvalid(options);
        var executables = Executables.Find(options);
        var directory = System.IO.Directory.CreateTempSubdirectory("redis-farm-").FullName;
        var farm = new RedisFarm(new FarmContext(options, executables, directory));
        try
        {
            farm.Shards = await Task.WhenAll(RedisFarmOptionsCheck.ShardNames(options)
                .Select(name => FarmServers.StartShardAsync(farm._context, farm._sentinels, name, cancellationToken))).ConfigureAwait(false);
            await farm._sentinels.StartAllAsync(farm.Shards, cancellationToken).ConfigureAwait(false);
            await farm.WaitForSentinelsAsync(null, cancellationToken).ConfigureAwait(false);
            return farm;
        }
        catch
        {
            await farm.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The shard of that name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public RedisFarmShard Shard(string name) => Shards.FirstOrDefault(shard => shard.Name == name)
        ?? throw new ArgumentException($"The farm has no shard \"{name}\", only {string.Join(", ", Shards.Select(static shard => shard.Name))}.", nameof(name));

    /// <summary>
    /// Waits until every running Sentinel knows every shard's master, every running replica and every other running Sentinel, and sees
    /// them all up.
    /// </summary>
    /// <param name="timeout">How long to wait; null: 30 s.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RedisFarmException">They did not in time.</exception>
    public Task WaitForSentinelsAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        SentinelKnowledge.WaitAsync(Sentinels, Shards, timeout ?? Poll.DefaultTimeout, cancellationToken);

    /// <summary>
    /// Starts one more Sentinel, on a port of its own, told of every shard's present master and of the Sentinels in
    /// <see cref="Sentinels"/>; the quorum stays. Returns when it answers; the others find it within a few seconds
    /// (<see cref="WaitForSentinelsAsync"/>).
    /// </summary>
    /// <exception cref="RedisFarmException">It did not start, or a shard has no master.</exception>
    public Task<RedisProcess> AddSentinelAsync(CancellationToken cancellationToken = default) =>
        _sentinels.AddAsync(SentinelIdentity.NewId(), Shards, cancellationToken);

    /// <summary>Kills a Sentinel and takes it out of <see cref="Sentinels"/> for good. The others keep it in mind, as down.</summary>
    /// <exception cref="ArgumentException">It is none of <see cref="Sentinels"/>.</exception>
    public void RemoveSentinel(RedisProcess sentinel) => _sentinels.Remove(sentinel);

    /// <summary>
    /// Kills a Sentinel and starts it on another port under its old identity, as when a container comes back with another address.
    /// Returns the new process when it answers; the others replace the address within a few seconds.
    /// </summary>
    /// <exception cref="ArgumentException">It is none of <see cref="Sentinels"/>.</exception>
    /// <exception cref="RedisFarmException">It did not start, or a shard has no master.</exception>
    public Task<RedisProcess> MoveSentinelAsync(RedisProcess sentinel, CancellationToken cancellationToken = default) =>
        _sentinels.AddAsync(_sentinels.Remove(sentinel), Shards, cancellationToken);

    /// <summary>Ends every process of the farm at once, also paused ones, and removes its directory. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        foreach (var process in _context.Processes)
        {
            _context.Discard(process);
        }

        await _context.Watchdog.DisposeAsync().ConfigureAwait(false);
        _context.Certificates?.Dispose();
    }
}
