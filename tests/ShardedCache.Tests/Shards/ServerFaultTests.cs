using ShardedCache.Connections;
using ShardedCache.Shards;

namespace ShardedCache.Tests.Shards;

/// <summary>What a caller sees of each answer that is none, and what becomes of its write.</summary>
public sealed class ServerFaultTests : Outage
{
    public static TheoryData<string> Unavailable { get; } =
    [
        "TIMEOUT", "LOST", "READONLY You can't write against a read only replica.", "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script.", "MASTERDOWN Link with MASTER is down",
    ];

    public static TheoryData<string, FailoverMode> Refusals { get; } = new MatrixTheoryData<string, FailoverMode>(
        ["NOPERM this user has no permissions to run the command", "NOAUTH Authentication required.", "ERR unknown command"],
        [FailoverMode.LocalTier, FailoverMode.Bypass, FailoverMode.Throw]);

    [Fact]
    public async Task A_connection_that_is_said_to_be_lost_is_replaced_though_it_is_open()
    {
        await StartAsync();
        A.AnswerEntry = static _ => Reply.ConnectionLost;
        await GetAsync("key");
        A.AnswerEntry = static _ => null;

        await World.UntilAsync(() => A.Opened == 2 && World.Now.State == ShardState.Up);
    }

    [Theory]
    [MemberData(nameof(Unavailable))]
    public async Task With_the_local_tier_a_failed_write_is_read_back_at_once_and_delivered(string fault)
    {
        await StartAsync();
        await SetAsync("set", "old");
        await SetAsync("removed", "old");
        await UntilProvenAsync();
        A.IsDown = true;

        A.AnswerEntry = _ => Fault(A, fault);
        await SetAsync("set", "new");
        await Cache.RemoveAsync("removed", Token);
        Assert.Equal(("new", null), (await GetAsync("set"), await GetAsync("removed")));

        A.AnswerEntry = static _ => null;
        await ReturnAsync();
        await UntilProvenAsync();
        Assert.Equal(("new", "tombstone"), (On(A, "set"), On(A, "removed")));
        Assert.Equal(("new", null), (await GetAsync("set"), await GetAsync("removed")));
    }

    [Theory]
    [MemberData(nameof(Unavailable))]
    public async Task With_the_local_tier_a_failed_batch_is_read_back_at_once_and_delivered(string fault)
    {
        await StartAsync();
        await Cache.SetManyAsync([new("a", "old"u8.ToArray()), new("b", "old"u8.ToArray()), new("c", "old"u8.ToArray())], new(), Token);
        A.IsDown = true;

        A.AnswerEntry = _ => Fault(A, fault);
        await Cache.SetManyAsync([new("a", "new"u8.ToArray())], new(), Token);
        await Cache.RemoveManyAsync(["b"], Token);
        Assert.Equal(["new", null, "old"], (await Cache.GetManyAsync(["a", "b", "c"], Token)).Select(Text));

        A.AnswerEntry = static _ => null;
        await ReturnAsync();
        await UntilProvenAsync();
        Assert.Equal(("new", "tombstone", "old"), (On(A, "a"), On(A, "b"), On(A, "c")));
    }

    [Theory]
    [MemberData(nameof(Unavailable))]
    public async Task With_the_local_tier_a_failed_read_is_answered_by_the_copy_and_a_refresh_succeeds(string fault)
    {
        await StartAsync();
        await SetAsync("key", "value", Sliding(100));
        await UntilProvenAsync();
        A.IsDown = true;
        A.AnswerEntry = _ => Fault(A, fault);

        Assert.Equal("value", await GetAsync("key"));
        await Cache.RefreshAsync("key", Token);
        Assert.Null(await GetAsync("unknown"));
    }

    [Theory]
    [MemberData(nameof(Unavailable))]
    public async Task Bypassed_a_failed_write_succeeds_and_its_older_value_is_never_read(string fault)
    {
        await StartAsync(FailoverMode.Bypass);
        await SetAsync("set", "old");
        await SetAsync("removed", "old");

        FailNext(A, "set", fault);
        await SetAsync("set", "new");
        Assert.Null(await GetAsync("set"));
        await World.UntilAsync(ShardState.Up);
        FailNext(A, "set", fault);
        await Cache.RemoveAsync("removed", Token);
        Assert.Null(await GetAsync("removed"));

        await World.UntilAsync(ShardState.Up);
        await UntilProvenAsync();
        Assert.Equal(("tombstone", "tombstone"), (On(A, "set"), On(A, "removed")));
    }

    [Theory]
    [MemberData(nameof(Unavailable))]
    public async Task To_throw_is_to_throw_for_each_of_them(string fault)
    {
        await StartAsync(FailoverMode.Throw);
        foreach (var (command, operation) in new (string, Func<Task>)[]
        {
            ("set", () => SetAsync("key", "new")), ("set", () => Cache.RemoveAsync("key", Token)), ("get", () => GetAsync("key")),
            ("refresh", () => Cache.RefreshAsync("key", Token)), ("get", () => Cache.GetManyAsync(["key"], Token)),
        })
        {
            FailNext(A, command, fault);
            await Assert.ThrowsAsync<ShardUnavailableException>(operation);
            await World.UntilAsync(ShardState.Up);
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task An_error_of_configuration_throws_in_every_mode_and_nothing_brings_the_write_later(string fault, FailoverMode mode)
    {
        await StartAsync(mode);
        await SetAsync("key", "value");
        await UntilProvenAsync();
        foreach (var (command, operation) in new (string, Func<Task>)[]
        {
            ("set", () => SetAsync("key", "new")), ("set", () => Cache.RemoveAsync("key", Token)), ("get", () => GetAsync("key")),
            ("refresh", () => Cache.RefreshAsync("key", Token)), ("set", () => Cache.SetManyAsync([new("key", [1])], new(), Token)),
        })
        {
            FailNext(A, command, fault);
            await Assert.ThrowsAsync<ShardUnavailableException>(operation);
            await World.UntilAsync(ShardState.Up);
        }

        Assert.Equal(0, Cache.JournalBytes);
        await World.PollAsync(A, times: 2);
        Assert.DoesNotContain(A.Sent, static sent => sent.Command == "replay");
        Assert.Equal("value", await GetAsync("key"));
    }
}
