namespace ShardedCache.Sentinels;

/// <summary>The messages that Sentinels publish of a failover. They can be late, missed or old, so they only say: ask again.</summary>
internal static class SentinelHint
{
    /// <summary>The end of a failover.</summary>
    public const string SwitchMaster = "+switch-master";

    /// <summary>From the first sign of an outage to the promotion, which comes up to 100 ms before the switch is published.</summary>
    public static IReadOnlyList<string> EarlyChannels { get; } = ["+sdown", "+odown", "+try-failover", "+promoted-slave"];

    /// <summary>The master's name that a message is about; empty when it has another form.</summary>
    /// <remarks>
    /// <c>+switch-master</c>: <c>name old-host old-port new-host new-port</c>. The others: <c>master name host port …</c>,
    /// or <c>type name host port @ master-name master-host master-port</c>.
    /// </remarks>
    public static ReadOnlySpan<char> MasterName(string channel, string message)
    {
        var words = message.AsSpan().Split(' ');
        if (!words.MoveNext())
        {
            return [];
        }

        var first = message.AsSpan(words.Current);
        if (channel == SwitchMaster)
        {
            return first;
        }

        var isNext = first is "master";
        while (words.MoveNext())
        {
            var word = message.AsSpan(words.Current);
            if (isNext)
            {
                return word;
            }

            isNext = word is "@";
        }

        return [];
    }
}
