using System.Globalization;
using System.Net;

namespace ShardedCache.Testing.Configuration;

internal static class RedisFarmOptionsCheck
{
    public static void ThrowIfInvalid(RedisFarmOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Shards, 1, "options.Shards");
        ArgumentOutOfRangeException.ThrowIfNegative(options.ReplicasPerShard, "options.ReplicasPerShard");
        ArgumentOutOfRangeException.ThrowIfNegative(options.Sentinels, "options.Sentinels");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.DownAfter, TimeSpan.FromMilliseconds(1), "options.DownAfter");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.FailoverTimeout, TimeSpan.FromMilliseconds(1), "options.FailoverTimeout");
        if ((options.User is not null && options.Password is null) || (options.SentinelUser is not null && options.SentinelPassword is null))
        {
            throw new ArgumentException("A user needs a password: set Password with User, SentinelPassword with SentinelUser.", nameof(options));
        }

        if (!IPAddress.TryParse(options.BindAddress, out _))
        {
            throw new ArgumentException($"BindAddress \"{options.BindAddress}\" is not an IP address.", nameof(options));
        }

        if (options.RequireClientCertificate && !options.Tls)
        {
            throw new ArgumentException("RequireClientCertificate needs Tls.", nameof(options));
        }

        if (ShardNames(options).Distinct(StringComparer.Ordinal).Count() != options.Shards)
        {
            throw new ArgumentException($"ShardNameFormat \"{options.ShardNameFormat}\" gives two shards the same name.", nameof(options));
        }
    }

    public static IEnumerable<string> ShardNames(RedisFarmOptions options) => Enumerable.Range(0, options.Shards)
        .Select(index => string.Format(CultureInfo.InvariantCulture, options.ShardNameFormat, index));
}
