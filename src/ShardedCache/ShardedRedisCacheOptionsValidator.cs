using System.Globalization;
using System.Text;
using Microsoft.Extensions.Options;
using ShardedCache.Sharding;

namespace ShardedCache;

/// <summary>Finds every fault of the options at once; each begins with the option's name and says what to do.</summary>
/// <param name="allowsLocalMemory">Whether a cache for which no server is configured may live in memory alone.</param>
internal sealed class ShardedRedisCacheOptionsValidator(bool allowsLocalMemory) : IValidateOptions<ShardedRedisCacheOptions>
{
    private const string NothingConfigured =
        "nothing is configured. Set ConnectionStrings:ShardedRedis in the configuration, or options.Configuration in code, for example to "
        + "'10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379,shards=shard-{0..7}' (Sentinels and their masters' names) or "
        + "'10.0.0.1:6379,10.0.0.2:6379' (fixed servers). Only in the Development environment may it be left out.";

    public ValidateOptionsResult Validate(string? name, ShardedRedisCacheOptions options)
    {
        var faults = options.BindingFaults.Distinct().ToList();
        if (!allowsLocalMemory || !string.IsNullOrWhiteSpace(options.Configuration))
        {
            // Where nothing at all is configured, in Development, that is meant so.
            faults.AddRange(options.MissingSections.Distinct().Select(
                static path => $"{nameof(options.Configuration)}: the section '{path}' that options are to be read from does not exist, or is empty; "
                    + "correct its path, or leave it out."));
        }

        if (!string.IsNullOrWhiteSpace(options.Configuration))
        {
            var connection = ConnectionString.Parse(options.Configuration);
            faults.AddRange(connection.Faults.Select(static fault => $"{nameof(options.Configuration)}: {fault}"));
            if (options.ConnectionMultiplexerFactory is not null && connection.Sentinels.Count > 0)
            {
                faults.Add($"{nameof(options.ConnectionMultiplexerFactory)}: can't be used with Sentinels, which move a shard from server to server; "
                    + "leave it out, or configure fixed end points without 'shards='.");
            }

            CheckHasEffect(nameof(options.ServerCertificateValidation), options.ServerCertificateValidation, connection.Ssl || connection.SentinelSsl, "TLS", "ssl=true", faults);
            CheckHasEffect(nameof(options.ClientCertificate), options.ClientCertificate, connection.Ssl || connection.SentinelSsl, "TLS", "ssl=true", faults);
            CheckHasEffect(
                nameof(options.SentinelCredentialsProvider), options.SentinelCredentialsProvider, connection.Sentinels.Count > 0, "Sentinels", "shards=", faults);
        }
        else if (!allowsLocalMemory)
        {
            faults.Add($"{nameof(options.Configuration)}: {NothingConfigured}");
        }

        var settings = CacheSettings.From(options);
        CheckValues(settings, faults);
        if (settings.Transport == ShardTransport.Resp)
        {
            CheckForStackExchangeRedis(nameof(options.ConfigureStackExchangeRedis), options.ConfigureStackExchangeRedis, faults);
            CheckForStackExchangeRedis(nameof(options.ConnectionMultiplexerFactory), options.ConnectionMultiplexerFactory, faults);
        }

        return faults.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(faults.Select(fault => Describe(name, fault)));
    }

    private static string Describe(string? name, string fault) =>
        string.IsNullOrEmpty(name) ? $"ShardedRedisCacheOptions.{fault}" : $"ShardedRedisCacheOptions ('{name}').{fault}";

    private static void CheckValues(CacheSettings settings, List<string> faults)
    {
        CheckInstanceName(settings.InstanceName, faults);
        CheckTimeout(nameof(ShardedRedisCacheOptions.OperationTimeout), settings.ShardConnection.OperationTimeout, faults);
        CheckTimeout(nameof(ShardedRedisCacheOptions.ConnectTimeout), settings.ShardConnection.ConnectTimeout, faults);
        CheckBytes(
            nameof(ShardedRedisCacheOptions.MaximumPayloadBytes), settings.MaximumPayloadBytes, 1, ShardedRedisCacheOptions.LargestMaximumPayloadBytes, faults);
        CheckBytes(
            nameof(ShardedRedisCacheOptions.LocalTierSizeLimit), settings.LocalTierSizeLimit, ShardedRedisCacheOptions.SmallestLocalTierSizeLimit, long.MaxValue, faults);
        CheckBytes(
            nameof(ShardedRedisCacheOptions.LocalTierMaxEntrySize), settings.LocalTierMaxEntrySize, 0, ShardedRedisCacheOptions.LargestMaximumPayloadBytes, faults);
        CheckBytes(
            nameof(ShardedRedisCacheOptions.JournalSizeLimit), settings.JournalSizeLimit, ShardedRedisCacheOptions.SmallestJournalSizeLimit, long.MaxValue, faults);
        if (settings.MaxStaleness < TimeSpan.Zero || settings.MaxStaleness > ShardedRedisCacheOptions.LongestMaxStaleness)
        {
            faults.Add($"{nameof(ShardedRedisCacheOptions.MaxStaleness)}: {settings.MaxStaleness:c} is out of range; give 00:00:00 to 00:10:00.");
        }

        if (!Enum.IsDefined(settings.FailoverMode))
        {
            faults.Add($"{nameof(ShardedRedisCacheOptions.FailoverMode)}: {settings.FailoverMode} is not a mode; give {string.Join(", ", Enum.GetNames<FailoverMode>())}.");
        }

        if (!Enum.IsDefined(settings.Transport))
        {
            faults.Add($"{nameof(ShardedRedisCacheOptions.Transport)}: {settings.Transport} is not a transport; give {string.Join(", ", Enum.GetNames<ShardTransport>())}.");
        }
    }

    /// <summary>What is ignored was meant otherwise.</summary>
    private static void CheckHasEffect(string option, object? value, bool hasEffect, string what, string key, List<string> faults)
    {
        if (value is not null && !hasEffect)
        {
            faults.Add($"{option}: has no effect without {what}; add '{key}' to the connection string, or leave it out.");
        }
    }

    private static void CheckForStackExchangeRedis(string option, Delegate? value, List<string> faults)
    {
        if (value is not null)
        {
            faults.Add($"{option}: can't be used with {nameof(ShardedRedisCacheOptions.Transport)} {nameof(ShardTransport.Resp)}, which is another client; "
                + $"leave it out, or choose {nameof(ShardTransport)}.{nameof(ShardTransport.StackExchangeRedis)}.");
        }
    }

    private static void CheckInstanceName(string instanceName, List<string> faults)
    {
        const string Option = nameof(ShardedRedisCacheOptions.InstanceName);
        if (instanceName.AsSpan().ContainsAny('{', '}'))
        {
            faults.Add($"{Option}: holds a brace, which would send every key to one shard; choose a name without braces.");
        }

        if (instanceName.StartsWith(KeyEncoding.ReservedPrefix, StringComparison.Ordinal))
        {
            faults.Add($"{Option}: begins with '{KeyEncoding.ReservedPrefix}', which the cache keeps for itself; choose another name.");
        }

        if (Encoding.UTF8.GetByteCount(instanceName) > ShardedRedisCacheOptions.LongestInstanceName)
        {
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"{Option}: is longer than {ShardedRedisCacheOptions.LongestInstanceName} bytes; every key carries it, so choose a short one."));
        }

        if (Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(instanceName)) != instanceName)
        {
            faults.Add($"{Option}: holds half of a surrogate pair, which has no UTF-8 form; choose a name of whole characters.");
        }
    }

    private static void CheckTimeout(string option, TimeSpan value, List<string> faults)
    {
        if (value < ShardedRedisCacheOptions.ShortestTimeout || value > ShardedRedisCacheOptions.LongestTimeout)
        {
            faults.Add($"{option}: {value:c} is out of range; give 00:00:00.050 to 00:01:00.");
        }
    }

    private static void CheckBytes(string option, long value, long smallest, long largest, List<string> faults)
    {
        if (value < smallest || value > largest)
        {
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"{option}: {value} bytes is out of range; give {smallest} to {largest}."));
        }
    }
}
