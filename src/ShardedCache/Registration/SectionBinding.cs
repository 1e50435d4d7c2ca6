using Microsoft.Extensions.Configuration;

namespace ShardedCache.Registration;

/// <summary>
/// Reads options from a configuration section. By hand, because the framework's binder stops at the first bad value and
/// passes over unknown names, where every fault is to be reported; and it needs no reflection.
/// </summary>
internal static class SectionBinding
{
    private static readonly IReadOnlyList<string> Names =
    [
        nameof(ShardedRedisCacheOptions.Configuration),
        nameof(ShardedRedisCacheOptions.InstanceName),
        nameof(ShardedRedisCacheOptions.OperationTimeout),
        nameof(ShardedRedisCacheOptions.ConnectTimeout),
        nameof(ShardedRedisCacheOptions.MaximumPayloadBytes),
        nameof(ShardedRedisCacheOptions.LocalTierSizeLimit),
        nameof(ShardedRedisCacheOptions.LocalTierMaxEntrySize),
        nameof(ShardedRedisCacheOptions.FailoverMode),
        nameof(ShardedRedisCacheOptions.Transport),
        nameof(ShardedRedisCacheOptions.MaxStaleness),
        nameof(ShardedRedisCacheOptions.JournalSizeLimit),
    ];

    public static void Bind(IConfigurationSection section, ShardedRedisCacheOptions options)
    {
        foreach (var child in section.GetChildren())
        {
            // A child without a value of its own is a section of something else, or of a named cache.
            if (child.Value is { } value)
            {
                Take(child.Key, value, child.Path, options);
            }
        }
    }

    private static void Take(string name, string value, string path, ShardedRedisCacheOptions options)
    {
        var known = Names.FirstOrDefault(other => other.Equals(name, StringComparison.OrdinalIgnoreCase));
        switch (known)
        {
            case nameof(options.Configuration):
                options.Configuration = value;
                break;
            case nameof(options.InstanceName):
                options.InstanceName = value;
                break;
            case nameof(options.OperationTimeout):
                Read(OptionValues.ReadDuration, duration => options.OperationTimeout = duration);
                break;
            case nameof(options.ConnectTimeout):
                Read(OptionValues.ReadDuration, duration => options.ConnectTimeout = duration);
                break;
            case nameof(options.MaximumPayloadBytes):
                Read(OptionValues.ReadInt32, bytes => options.MaximumPayloadBytes = bytes);
                break;
            case nameof(options.LocalTierSizeLimit):
                Read(OptionValues.ReadInt64, bytes => options.LocalTierSizeLimit = bytes);
                break;
            case nameof(options.LocalTierMaxEntrySize):
                Read(OptionValues.ReadInt32, bytes => options.LocalTierMaxEntrySize = bytes);
                break;
            case nameof(options.FailoverMode):
                Read(OptionValues.ReadName<FailoverMode>, mode => options.FailoverMode = mode);
                break;
            case nameof(options.Transport):
                Read(OptionValues.ReadName<ShardTransport>, transport => options.Transport = transport);
                break;
            case nameof(options.MaxStaleness):
                Read(OptionValues.ReadDuration, duration => options.MaxStaleness = duration);
                break;
            case nameof(options.JournalSizeLimit):
                Read(OptionValues.ReadInt64, bytes => options.JournalSizeLimit = bytes);
                break;
            default:
                options.BindingFaults.Add($"{name}: '{path}' is not an option that can be configured; {NearestName.Hint(name, Names)}");
                break;
        }

        void Read<T>(Func<string, (T? Value, string Expected)> read, Action<T> assign)
            where T : struct
        {
            var (result, expected) = read(value);
            if (result is { } good)
            {
                assign(good);
            }
            else
            {
                options.BindingFaults.Add($"{known}: '{value}' in '{path}' is not a value for it; give {expected}.");
            }
        }
    }
}
