using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>A session has a largest size, and a way back to it.</summary>
public sealed class SessionBoundTests : SessionOutage
{
    [Fact]
    public async Task A_session_that_has_become_too_large_can_be_made_smaller_and_no_larger()
    {
        await StartAsync(change: static settings => settings with { MaximumPayloadBytes = 300 });
        Foreign(A, -10, ("a", new string('x', 200)), ("b", new string('x', 200)), ("c", new string('x', 200)));
        var known = await LoadAsync();

        await Assert.ThrowsAsync<ArgumentException>(() => SendAsync(known, ("d", "1")));
        await Assert.ThrowsAsync<ArgumentException>(() => SendAsync(known, ("a", new string('y', 200))));
        known = await CommitAsync(known, ("a", null));
        known = await CommitAsync(known, ("b", "1"));

        Assert.Equal($"b=1 c={new string('x', 200)}", On(A));
        await Assert.ThrowsAsync<ArgumentException>(() => SendAsync(known, ("d", new string('x', 200))));
    }

    [Fact]
    public async Task Sessions_kept_alive_while_the_journal_is_beyond_its_bound_hold_up_nobody()
    {
        await StartAsync(change: static settings => settings with { JournalSizeLimit = 64 * 1024 });
        await FailAsync();

        await Task.WhenAll(
            Task.Run(() => Parallel.For(0, 20_000, i => Sessions.KeepSessionAlive($"session-{i}")), Token),
            Task.Run(
                async () =>
                {
                    for (var i = 0; i < 20_000; i++)
                    {
                        await SetAsync($"key-{i}", "value");
                    }
                },
                Token)).WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    [Fact]
    public async Task Removed_keys_take_no_room()
    {
        await StartAsync(change: static settings => settings with { MaximumPayloadBytes = 300 });
        var known = new SessionLoad { IsAvailable = true };
        for (var i = 0; i < 50; i++)
        {
            known = await CommitAsync(known, ($"key-{i}", "1"));
            known = await CommitAsync(known, ($"key-{i}", null));
        }

        Assert.Null(On(A));
    }
}
