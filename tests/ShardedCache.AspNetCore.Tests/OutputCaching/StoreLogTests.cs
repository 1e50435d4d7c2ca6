using System.Buffers;
using ShardedCache.AspNetCore.OutputCaching;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

/// <summary>What the output cache's store logs of a shard that does a part of what it should.</summary>
public sealed class StoreLogTests
{
    private readonly RecordedLog _log = new();
    private readonly Pages _pages = new();
    private readonly ShardedOutputCacheStore _store;

    public StoreLogTests() => _store = new ShardedOutputCacheStore(_pages, new StoreTrouble(_pages, _log));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Failures_of_one_kind_are_one_line_though_the_other_kind_works(bool failsReads, bool failsWrites)
    {
        (_pages.FailsReads, _pages.FailsWrites) = (failsReads, failsWrites);
        await UseAsync();
        Assert.Equal((1, 0), Logged);

        (_pages.FailsReads, _pages.FailsWrites) = (false, failsWrites);
        await UseAsync();
        Assert.Equal((1, failsWrites ? 0 : 1), Logged);

        _pages.FailsWrites = false;
        await UseAsync();
        Assert.Equal((1, 1), Logged);

        _pages.FailsReads = true;
        await UseAsync();
        Assert.Equal((2, 1), Logged);
    }

    [Theory]
    [InlineData(PageRefusal.Life, 0)]
    [InlineData(PageRefusal.Key, 1)]
    [InlineData(PageRefusal.Tags, 1)]
    [InlineData(PageRefusal.Size, 1)]
    internal async Task A_page_beyond_what_is_stored_is_one_line_and_says_nothing_of_its_shard(PageRefusal refusal, int lines)
    {
        _pages.FailsWrites = true;
        await UseAsync();
        (_pages.FailsWrites, _pages.Refusal) = (false, refusal);
        await UseAsync();

        Assert.Equal((1, 0), Logged);
        Assert.Equal(lines, _log.Messages(502).Count());
        Assert.All(_log.Messages(502), message => Assert.Contains($"by its {refusal}", message, StringComparison.Ordinal));
    }

    private (int Failures, int Recoveries) Logged => (_log.Messages(500).Count(), _log.Messages(501).Count());

    private async Task UseAsync()
    {
        for (var i = 0; i < 5; i++)
        {
            Assert.Null(await _store.GetAsync("page", Token));
            await _store.SetAsync("page", [1], null, TimeSpan.FromMinutes(1), Token);
        }
    }

    /// <summary>One shard that has no pages, and fails as it is told to.</summary>
    private sealed class Pages : IPageStore
    {
        public bool FailsReads { get; set; }

        public bool FailsWrites { get; set; }

        public PageRefusal? Refusal { get; set; }

        public string? GetShard(string key) => "shard-0";

        public ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken) =>
            FailsReads ? ValueTask.FromException<byte[]?>(new ShardUnavailableException("shard-0", "NOPERM")) : default;

        public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<PageRefusal?> SetAsync(
            string key, in ReadOnlySequence<byte> page, ReadOnlySpan<string> tags, TimeSpan life, CancellationToken cancellationToken) =>
            FailsWrites ? ValueTask.FromException<PageRefusal?>(new ShardUnavailableException("shard-0", "NOPERM")) : new(Refusal);

        public Task EvictAsync(string tag, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
