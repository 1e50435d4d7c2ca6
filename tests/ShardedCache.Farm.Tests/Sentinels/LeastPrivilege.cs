using ShardedCache.Contract;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Sentinels;

/// <summary>A farm whose users may do what the documentation says they must, and nothing more.</summary>
internal static class LeastPrivilege
{
    public const string Password = "s3cr3t-of-the-servers";
    public const string SentinelPassword = "s3cr3t-of-the-Sentinels";

    public static RedisFarmOptions Options(string serverRules = AclRules.Server) => new()
    {
        User = "app",
        Password = Password,
        UserRules = serverRules,
        SentinelUser = "watcher",
        SentinelPassword = SentinelPassword,
        SentinelUserRules = AclRules.Sentinel,
    };

    /// <summary>The commands, keys and channels that the process has denied to anyone.</summary>
    public static async Task<IReadOnlyList<string>> DeniedAsync(RedisProcess process)
    {
        var lines = (await process.ExecuteAsync("ACL", "LOG")).Split('\n');
        return [.. lines.Index().Where(line => line.Index > 0 && lines[line.Index - 1] == "object").Select(static line => line.Item)];
    }
}
