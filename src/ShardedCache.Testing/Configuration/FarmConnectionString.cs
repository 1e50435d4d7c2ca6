namespace ShardedCache.Testing.Configuration;

internal static class FarmConnectionString
{
    public static string For(RedisFarm farm, RedisFarmOptions options)
    {
        var hasSentinels = farm.Sentinels.Count > 0;
        var endPoints = hasSentinels ? farm.Sentinels : farm.Shards.Select(static shard => shard.InitialMaster);
        List<string> parts = [.. endPoints.Select(static process => process.EndPoint.ToString())];
        Add("shards", hasSentinels ? string.Join('|', farm.Shards.Select(static shard => shard.Name)) : null);
        Add("user", options.User);
        Add("password", options.Password);
        Add("sentinelUser", hasSentinels ? options.SentinelUser : null);
        Add("sentinelPassword", hasSentinels ? options.SentinelPassword : null);
        Add("ssl", options.Tls ? "true" : null);
        return string.Join(',', parts);

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                parts.Add($"{name}={value}");
            }
        }
    }
}
