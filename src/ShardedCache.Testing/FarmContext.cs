using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ShardedCache.Testing.Configuration;
using ShardedCache.Testing.Processes;
using ShardedCache.Testing.Resp;

namespace ShardedCache.Testing;

/// <summary>What all processes of one farm share.</summary>
internal sealed class FarmContext
{
    /// <summary>The farm's own ACL user: replication, Sentinels and the farm's questions must work whatever the application's user may do.</summary>
    public const string OwnUser = "redis-farm";

    private readonly ConcurrentDictionary<RedisProcess, bool> _processes = new();

    public FarmContext(RedisFarmOptions options, Executables executables, string directory)
    {
        Options = options;
        Executables = executables;
        Directory = directory;
        Watchdog = new Watchdog(directory);
        Certificates = options.Tls ? FarmCertificates.Create(directory, options.BindAddress) : null;
        var tls = Certificates?.ClientAuthentication(options.BindAddress);
        ServerAccess = Access(options.Password);
        SentinelAccess = Access(options.SentinelPassword);

        RespAccess Access(string? password) => password is null ? new(null, null, tls) : new(OwnUser, OwnPassword, tls);
    }

    public RedisFarmOptions Options { get; }

    public Executables Executables { get; }

    public string Directory { get; }

    public Watchdog Watchdog { get; }

    public FarmCertificates? Certificates { get; }

    public RespAccess ServerAccess { get; }

    public RespAccess SentinelAccess { get; }

    public string OwnPassword { get; } = RandomNumberGenerator.GetHexString(32, lowercase: true);

    public IEnumerable<RedisProcess> Processes => _processes.Keys;

    public RedisProcess Create(string name, bool isSentinel)
    {
        var process = new RedisProcess(this, name, Ports.Next(Options.BindAddress), isSentinel);
        _processes.TryAdd(process, true);
        return process;
    }

    /// <summary>Gives up a process for good, and its port.</summary>
    public void Discard(RedisProcess process)
    {
        process.Kill();
        if (_processes.TryRemove(process, out _))
        {
            Ports.Release(process.Port);
        }
    }

    public static string Hash(string password) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(password)));
}
