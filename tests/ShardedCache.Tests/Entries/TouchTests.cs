using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Entries;

public class TouchTests
{
    private const string Key = "k";

    [Fact]
    public void An_entry_lives_its_window_from_the_last_read_and_at_most_a_sixteenth_longer() => Prop.ForAll(
        Gen.Choose(1, 200_000).ToArbitrary(), Gen.Choose(1, 3).ToArbitrary(), ArbMap.Default.ArbFor<int>(), static (window, instances, seed) =>
        {
            var random = new Random(seed);
            var server = new SimulatedServer();
            var ledgers = Enumerable.Range(0, instances).Select(static _ => new TouchLedger(128)).ToArray();
            var absolute = random.Next(2) == 0 ? window * 3 : (int?)null;
            var header = server.Set(window, absolute, ledgers[0]);
            var lastRead = server.Now;
            for (var read = 0; read < 200; read++)
            {
                server.Now += random.Next(3) switch { 0 => random.Next(0, (window / 16) + 2), 1 => random.Next(0, window), _ => window - 1 };
                if (!server.IsLive)
                {
                    break;
                }

                lastRead = server.Now;
                server.Read(header, ledgers[random.Next(instances)]);
                var shortest = Math.Min(lastRead + window, absolute ?? long.MaxValue);
                if (server.ExpiresAt < shortest || server.ExpiresAt > lastRead + window + (window / 16) || server.ExpiresAt > (absolute ?? long.MaxValue))
                {
                    return false;
                }
            }

            return !server.IsLive || server.ExpiresAt >= Math.Min(lastRead + window, absolute ?? long.MaxValue);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(9_999, 100, 100)]
    [InlineData(16_000, 100, 9)]
    public void Reads_of_a_longer_window_are_touched_once_in_a_sixteenth(int window, int reads, int touches)
    {
        var server = new SimulatedServer();
        var ledger = new TouchLedger(128);
        var header = server.Set(window, null, ledger);
        for (var read = 0; read < reads; read++)
        {
            server.Now += 100;
            server.Read(header, ledger);
        }

        Assert.Equal(touches, server.Touches);
    }

    [Fact]
    public void An_entry_that_does_not_slide_is_never_touched() =>
        Assert.False(new TouchLedger(128).ShouldTouch(Key, EntryHeader.Value(default, new EntryExpiration(5, 0, default)), 1));

    [Fact]
    public void A_new_entry_under_the_key_is_touched_by_itself()
    {
        var ledger = new TouchLedger(128);

        Assert.True(ledger.ShouldTouch(Key, Sliding(1), 0));
        Assert.False(ledger.ShouldTouch(Key, Sliding(1), 1));
        Assert.True(ledger.ShouldTouch(Key, Sliding(2), 1));
    }

    [Fact]
    public void Two_keys_with_one_stamp_are_touched_each_by_itself()
    {
        var ledger = new TouchLedger(1024);

        Assert.True(ledger.ShouldTouch("a", Sliding(1), 0));
        Assert.True(ledger.ShouldTouch("b", Sliding(1), 0));
    }

    [Fact]
    public void A_ledger_that_was_cleared_touches_again()
    {
        var ledger = new TouchLedger(128);
        for (var stamp = 0; stamp < 64; stamp++)
        {
            ledger.ShouldTouch(Key, Sliding(stamp), 0);
        }

        ledger.Clear();

        Assert.All(Enumerable.Range(0, 64), stamp => Assert.True(ledger.ShouldTouch(Key, Sliding(stamp), 0)));
    }

    [Fact]
    public void An_entry_that_was_pushed_out_of_the_ledger_is_touched_again()
    {
        var ledger = new TouchLedger(128);
        ledger.ShouldTouch(Key, Sliding(1), 0);
        for (var stamp = 2; stamp < 10_000; stamp++)
        {
            ledger.ShouldTouch(Key, Sliding(stamp), 1);
        }

        Assert.True(ledger.ShouldTouch(Key, Sliding(1), 0));
    }

    [Fact]
    public void While_there_is_room_hardly_an_entry_pushes_another_out()
    {
        var ledger = new TouchLedger();
        var count = TouchLedger.DefaultCapacity / 3;
        Assert.All(Enumerable.Range(0, count), stamp => Assert.True(ledger.ShouldTouch(Key, Sliding(stamp), 1)));

        Assert.InRange(Enumerable.Range(0, count).Count(stamp => ledger.ShouldTouch(Key, Sliding(stamp), 2)), 0, count / 50);
    }

    [Fact]
    public void A_clock_that_was_set_back_leads_to_a_touch()
    {
        var ledger = new TouchLedger(128);
        ledger.ShouldTouch(Key, Sliding(1), 1000);

        Assert.True(ledger.ShouldTouch(Key, Sliding(1), 999));
    }

    [Fact]
    public void Keeping_the_ledger_allocates_nothing()
    {
        var ledger = new TouchLedger();
        ledger.ShouldTouch(Key, Sliding(0), 0);

        var allocated = Allocations.Of(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                ledger.Stored(Key, Sliding(i), i);
                ledger.ShouldTouch(Key, Sliding(i), i);
            }
        });

        Assert.Equal(0, allocated);
    }

    private static EntryHeader Sliding(long microseconds) =>
        EntryHeader.Value(Stamp.From(microseconds, 0), new EntryExpiration(0, 100_000, default));

    /// <summary>One entry on a server whose TTL only ever grows, as with <c>PEXPIRE … GT</c>.</summary>
    private sealed class SimulatedServer
    {
        public long Now { get; set; }

        public long ExpiresAt { get; private set; }

        public int Touches { get; private set; }

        public bool IsLive => Now < ExpiresAt;

        public EntryHeader Set(int window, int? absolute, TouchLedger ledger)
        {
            var options = new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMilliseconds(window) };
            if (absolute is { } milliseconds)
            {
                options.AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(milliseconds);
            }

            var expiration = EntryExpiration.From(options, DateTimeOffset.UnixEpoch, Now);
            var header = EntryHeader.Value(Stamp.From(1, 1), expiration);
            ExpiresAt = Now + (long)expiration.TimeToLive.TotalMilliseconds;
            ledger.Stored(Key, header, Now);
            return header;
        }

        public void Read(in EntryHeader header, TouchLedger ledger)
        {
            if (ledger.ShouldTouch(Key, header, Now))
            {
                Touches++;
                ExpiresAt = Math.Max(ExpiresAt, Now + TouchPolicy.TimeToLive(header, Now));
            }
        }
    }
}
