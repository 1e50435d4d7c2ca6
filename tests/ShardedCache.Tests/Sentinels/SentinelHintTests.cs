using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

public class SentinelHintTests
{
    [Theory]
    [InlineData("+switch-master", "shard-0 10.0.0.1 6379 10.0.0.2 6379")]
    [InlineData("+sdown", "master shard-0 10.0.0.1 6379")]
    [InlineData("+odown", "master shard-0 10.0.0.1 6379 #quorum 2/2")]
    [InlineData("+try-failover", "master shard-0 10.0.0.1 6379")]
    [InlineData("+promoted-slave", "slave 10.0.0.2:6379 10.0.0.2 6379 @ shard-0 10.0.0.1 6379")]
    public void The_master_s_name_is_found_in_each_form_of_message(string channel, string message)
    {
        Assert.Equal("shard-0", SentinelHint.MasterName(channel, message).ToString());
        Assert.Contains(channel, SentinelHint.EarlyChannels.Append(SentinelHint.SwitchMaster));
    }

    [Theory]
    [InlineData("+switch-master", "")]
    [InlineData("+sdown", "")]
    [InlineData("+sdown", "sentinel 0123 10.0.0.9 26379")]
    [InlineData("+sdown", "sentinel 0123 10.0.0.9 26379 @")]
    [InlineData("+sdown", "master")]
    public void A_message_of_another_form_names_nobody(string channel, string message) =>
        Assert.Empty(SentinelHint.MasterName(channel, message).ToString());
}
