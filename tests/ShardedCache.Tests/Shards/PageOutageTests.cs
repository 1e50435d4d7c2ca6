using System.Buffers;
using System.Text;
using ShardedCache.Diagnostics;

namespace ShardedCache.Tests.Shards;

/// <summary>Pages and evictions whose answer never came.</summary>
public sealed class PageOutageTests : Outage
{
    private IPageStore Pages => ((IPageCache)Cache).Pages;

    [Theory]
    [InlineData("LOST", null)]
    [InlineData("TIMEOUT", null)]
    [InlineData("READONLY You can't write against a read only replica.", "page")]
    public async Task A_page_that_its_server_may_have_is_not_served_in_an_outage_for_another_instance_may_evict_it(string fault, string? page)
    {
        await StartAsync();
        A.IsDown = true;

        // Each time: the journal may try once more before the connection ends.
        A.AnswerEntry = command => command == "page-set" ? Fault(A, fault) : null;

        await Pages.SetAsync("key", new ReadOnlySequence<byte>("page"u8.ToArray()), ["tag"], TimeSpan.FromMinutes(1), Token);
        await FailAsync();

        Assert.Equal(page, await Pages.GetAsync("key", Token) is { } found ? Encoding.UTF8.GetString(found) : null);
    }

    [Theory]
    [InlineData(FailoverMode.Throw, 0)]
    [InlineData(FailoverMode.LocalTier, 1)]
    public async Task An_eviction_that_is_given_up_goes_on_only_where_there_is_a_journal(FailoverMode mode, int undelivered)
    {
        await StartAsync(mode);
        A.Hangs = static command => command == "tag-evict";
        using var given = new CancellationTokenSource();
        var eviction = Pages.EvictAsync("tag", given.Token);

        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => eviction);
        Assert.Equal(undelivered, ((IStatusSource)Cache).Status.Shards[0].Undelivered);
    }
}
