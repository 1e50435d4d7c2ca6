namespace ShardedCache.Tests.Shards;

/// <summary>A read while writes are known in their process, and not yet on their way.</summary>
public sealed class UnsentWritesTests : Outage
{
    [Theory]
    [InlineData("batch", "set", "{g}:b")]
    [InlineData("group", "group-write", null)]
    [InlineData("full", "replay", "{g}:a")]
    public async Task It_is_not_sent_ahead_of_them(string kind, string command, string? lastKey)
    {
        await StartAsync();
        await SetAsync("{g}:a", "older");
        if (kind == "full")
        {
            FailNext(A, "set", "OOM command not allowed when used memory > 'maxmemory'.");
            await SetAsync("{g}:full", "refused");
        }

        Thread? reader = null;
        A.AnswerEntry = sent =>
        {
            if (sent == command && reader is null && (lastKey is null || A.Sent.Last().Key == lastKey))
            {
                reader = new Thread(() => Cache.Get("{g}:a"));
                reader.Start();
                Assert.True(SpinWait.SpinUntil(() => reader.ThreadState.HasFlag(ThreadState.WaitSleepJoin) || IsRead(), TimeSpan.FromSeconds(30)));
                Assert.False(IsRead(), "It was sent ahead.");
            }

            return null;
        };
        await (kind switch
        {
            "batch" => Cache.SetManyAsync([KeyValuePair.Create<string, byte[]>("{g}:a", [1]), KeyValuePair.Create<string, byte[]>("{g}:b", [2])], new(), Token),
            "group" => Cache.CreateKeyGroup("g").SetAsync([KeyValuePair.Create<string, byte[]>("{g}:a", [1])], new(), Token),
            _ => SetAsync("{g}:a", "later"),
        });
        reader!.Join();
        Assert.True(IsRead());

        bool IsRead() => A.Sent.Any(static sent => sent is { Command: "get", Key: "{g}:a" });
    }
}
