using Microsoft.Extensions.Time.Testing;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

public sealed class JournalReplayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Whenever in the course of its replay a record becomes too old for that.</summary>
    [Fact]
    public async Task A_value_that_was_brought_as_an_invalidation_is_one_here_as_well_and_only_then()
    {
        var outcomes = new HashSet<bool>();
        for (var reads = 0; reads < 30; reads++)
        {
            var time = new TickingTime();
            using var world = new LocalWorld(time: time);
            world.Touch(world.Set("key", [1], sentOn: null, LocalWorld.Sliding(TimeSpan.FromMinutes(10))), sentOn: null);
            time.Advance(world.Limits.ReplayLife - TimeSpan.FromMilliseconds(reads));

            time.Tick = TimeSpan.FromMilliseconds(1);
            await new JournalReplay("shard-0", world.Store, world.Metrics).SendPendingAsync(world.First, Token);
            time.Tick = TimeSpan.Zero;

            Assert.True(EntryHeader.TryRead(world.Server.Store["key"], out var stored, out _));
            Assert.Equal(stored.IsTombstone, world.Find("key")!.Kind == LocalKind.Invalidation);
            Assert.Equal(stored.IsTombstone, world.Server.Sent.Any(static sent => sent.Command == "touch"));
            outcomes.Add(stored.IsTombstone);
        }

        Assert.Equal(2, outcomes.Count);
    }

    /// <summary>Goes on with each look at it.</summary>
    private sealed class TickingTime() : FakeTimeProvider(LocalWorld.Start)
    {
        public TimeSpan Tick { get; set; }

        public override long GetTimestamp()
        {
            Advance(Tick);
            return base.GetTimestamp();
        }
    }
}
