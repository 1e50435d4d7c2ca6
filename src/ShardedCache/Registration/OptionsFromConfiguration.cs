using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace ShardedCache.Registration;

/// <summary>
/// Fills one cache's options from the application's configuration, where the container has one: section
/// <c>ShardedRedis</c>, or <c>ShardedRedis:name</c> for a keyed cache, and, where nothing else has given a connection
/// string, <c>ConnectionStrings:ShardedRedis</c>.
/// </summary>
internal sealed class OptionsFromConfiguration(string name, IConfiguration? configuration) :
    IConfigureNamedOptions<ShardedRedisCacheOptions>,
    IPostConfigureOptions<ShardedRedisCacheOptions>
{
    public const string SectionName = "ShardedRedis";

    /// <summary>Of the section that is read for a cache of that name in any case.</summary>
    public static string PathOf(string name) => name == Options.DefaultName ? SectionName : ConfigurationPath.Combine(SectionName, name);

    public void Configure(string? optionsName, ShardedRedisCacheOptions options)
    {
        if (optionsName == name && configuration is not null)
        {
            SectionBinding.Bind(configuration.GetSection(PathOf(name)), options);
        }
    }

    public void Configure(ShardedRedisCacheOptions options) => Configure(Options.DefaultName, options);

    public void PostConfigure(string? optionsName, ShardedRedisCacheOptions options)
    {
        if (optionsName == name && string.IsNullOrWhiteSpace(options.Configuration))
        {
            options.Configuration = configuration?.GetConnectionString(SectionName);
        }
    }
}
