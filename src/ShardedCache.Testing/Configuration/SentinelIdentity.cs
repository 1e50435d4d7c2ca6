using System.Security.Cryptography;

namespace ShardedCache.Testing.Configuration;

/// <summary>A Sentinel and the 40 hexadecimal digits by which the others know it, wherever it listens.</summary>
internal sealed record SentinelIdentity(RedisProcess Process, string Id)
{
    public static string NewId() => RandomNumberGenerator.GetHexString(40, lowercase: true);
}
