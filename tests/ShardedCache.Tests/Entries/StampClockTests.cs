using System.Collections.Concurrent;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Entries;

public class StampClockTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly TestTime _time = new();
    private readonly StampClock _clock;

    public StampClockTests() => _clock = new StampClock(_time, processBits: 5);

    [Fact]
    public void Before_the_first_calibration_the_clock_goes_by_the_local_one()
    {
        _time.Advance(Second);

        Assert.Equal(_time.Wall, _clock.Now);
        Assert.Equal(_time.Wall.ToUnixTimeMilliseconds(), _clock.NowMilliseconds);
    }

    [Fact]
    public void A_calibration_takes_the_middle_of_the_round_trip()
    {
        var shardTime = _time.Wall.AddHours(3);
        var sent = _time.Timestamp;
        _time.Advance(TimeSpan.FromMilliseconds(20));

        _clock.Calibrate(shardTime, sent, _time.Timestamp);

        Assert.Equal(shardTime.AddMilliseconds(10), _clock.Now);
        Assert.Equal((shardTime.AddMilliseconds(10) - DateTimeOffset.UnixEpoch).Ticks / 10, _clock.Next().UnixMicroseconds);
    }

    [Fact]
    public void A_vaguer_measurement_does_not_replace_a_sharper_one_that_agrees()
    {
        var shard = TimeSpan.FromHours(3);
        Calibrate(shard, roundTrip: TimeSpan.FromMilliseconds(1));
        _time.Advance(Second);

        Calibrate(shard + TimeSpan.FromMilliseconds(30), roundTrip: TimeSpan.FromMilliseconds(80));

        Assert.InRange(_clock.Now - _time.Wall - shard, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void A_sharper_measurement_replaces_a_vaguer_one()
    {
        var shard = TimeSpan.FromHours(3);
        Calibrate(shard + TimeSpan.FromMilliseconds(30), roundTrip: TimeSpan.FromMilliseconds(80));

        Calibrate(shard, roundTrip: TimeSpan.FromMilliseconds(1));

        Assert.InRange(_clock.Now - _time.Wall - shard, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void An_old_measurement_gives_way_because_clocks_drift()
    {
        Calibrate(Second, roundTrip: TimeSpan.FromMilliseconds(1));
        _time.Advance(TimeSpan.FromMinutes(10));

        Calibrate(Second + TimeSpan.FromMilliseconds(5), roundTrip: TimeSpan.FromMilliseconds(20));

        Assert.Equal(Second + TimeSpan.FromMilliseconds(5), _clock.Now - _time.Wall);
    }

    [Fact]
    public void A_measurement_that_contradicts_the_earlier_ones_is_believed_also_when_it_is_vague()
    {
        Calibrate(TimeSpan.Zero, roundTrip: TimeSpan.FromMilliseconds(1));

        Calibrate(TimeSpan.FromHours(-1), roundTrip: TimeSpan.FromMilliseconds(100));

        Assert.InRange(_clock.Now - _time.Wall, TimeSpan.FromHours(-1) - Second, TimeSpan.FromHours(-1) + Second);
    }

    [Fact]
    public void A_suspended_machine_is_noticed_at_the_next_calibration()
    {
        Calibrate(TimeSpan.Zero, roundTrip: TimeSpan.FromMilliseconds(1));
        _time.Wall += TimeSpan.FromHours(8);

        Calibrate(TimeSpan.Zero, roundTrip: TimeSpan.FromMilliseconds(20));

        Assert.InRange(_clock.Now - _time.Wall, -Second, Second);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_local_wall_clock_that_jumps_changes_nothing(int direction)
    {
        Calibrate(TimeSpan.Zero, roundTrip: TimeSpan.Zero);
        var before = _clock.Now;

        _time.Wall += direction * TimeSpan.FromDays(1);

        Assert.Equal(before, _clock.Now);
    }

    [Fact]
    public void Stamps_grow_in_one_microsecond_and_keep_the_bits_of_the_process()
    {
        var first = _clock.Next();
        var second = _clock.Next();

        Assert.True(second > first);
        Assert.Equal(first.UnixMicroseconds + 1, second.UnixMicroseconds);
        Assert.Equal(5u, second.Value & 1023);
    }

    [Fact]
    public void Stamps_grow_when_the_shards_clock_is_set_back()
    {
        Calibrate(TimeSpan.Zero, roundTrip: TimeSpan.Zero);
        var before = _clock.Next();

        Calibrate(TimeSpan.FromHours(-1), roundTrip: TimeSpan.Zero);

        Assert.True(_clock.Next() > before);
        Assert.InRange(_clock.Now - _time.Wall, TimeSpan.FromHours(-1) - Second, TimeSpan.FromHours(-1) + Second);
    }

    [Fact]
    public void Stamps_are_past_every_one_that_was_read_also_in_its_microsecond()
    {
        var read = Stamp.From(_clock.Next().UnixMicroseconds + 9_000_000, 1023);

        Assert.True(_clock.Observe(read));

        Assert.True(_clock.Next() > read);
    }

    [Fact]
    public void An_earlier_stamp_changes_nothing()
    {
        var last = _clock.Next();

        Assert.True(_clock.Observe(Stamp.From(last.UnixMicroseconds - 5_000_000, 7)));
        Assert.True(_clock.Observe(default));

        Assert.Equal(last.UnixMicroseconds + 1, _clock.Next().UnixMicroseconds);
    }

    [Fact]
    public void A_stamp_more_than_10_s_ahead_is_not_adopted()
    {
        var now = (_time.Wall - DateTimeOffset.UnixEpoch).Ticks / 10;

        Assert.True(_clock.Observe(Stamp.From(now + 10_000_000, 0)));
        Assert.False(_clock.Observe(Stamp.From(now + 10_000_001, 0)));
        Assert.False(_clock.Observe(new Stamp(ulong.MaxValue)));

        Assert.Equal(now + 10_000_001, _clock.Next().UnixMicroseconds);
    }

    [Fact]
    public void Adopting_stamps_cannot_carry_the_clock_further_than_10_s_ahead_step_by_step()
    {
        var now = (_time.Wall - DateTimeOffset.UnixEpoch).Ticks / 10;
        _clock.Observe(Stamp.From(now + 9_000_000, 0));

        Assert.False(_clock.Observe(Stamp.From(_clock.Next().UnixMicroseconds + 9_000_000, 0)));
    }

    [Fact]
    public async Task Stamps_are_unique_and_grow_for_each_of_many_threads()
    {
        var clock = new StampClock(TimeProvider.System);
        var all = new ConcurrentBag<Stamp[]>();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            var mine = new Stamp[20_000];
            for (var i = 0; i < mine.Length; i++)
            {
                mine[i] = clock.Next();
                if (i % 16 == 0)
                {
                    clock.Observe(Stamp.From(mine[i].UnixMicroseconds + 3, 1023));
                }
            }

            all.Add(mine);
        })));

        Assert.All(all, static stamps => Assert.Equal(stamps.Order(), stamps));
        Assert.Equal(80_000, all.SelectMany(static stamps => stamps).Distinct().Count());
    }

    [Theory]
    [InlineData(3600)]
    [InlineData(-3600)]
    public void The_first_calibration_tells_how_far_the_stamps_so_far_are_to_be_moved_and_later_ones_nothing(int seconds)
    {
        Assert.False(_clock.IsCalibrated);
        var made = _clock.Next();
        _time.Advance(Second);
        var sent = _time.Timestamp;

        var shift = _clock.Calibrate(_time.Wall.AddSeconds(seconds), sent, sent);

        Assert.True(_clock.IsCalibrated);
        Assert.Equal(seconds * 1_000_000L, shift);
        Assert.True(_clock.Next() > made.Plus(shift));
        Assert.Equal(0, _clock.Calibrate(_time.Wall.AddSeconds(-seconds), sent, sent));
    }

    [Fact]
    public void The_first_calibration_of_a_clock_set_back_lets_the_next_stamps_follow_those_that_were_moved()
    {
        var made = Enumerable.Range(0, 100).Select(_ => _clock.Next()).ToArray();
        var sent = _time.Timestamp;

        var shift = _clock.Calibrate(_time.Wall.AddDays(-1), sent, sent);
        var next = _clock.Next();

        Assert.True(next > made[^1].Plus(shift));
        Assert.InRange(next.UnixMicroseconds, 0, made[0].UnixMicroseconds - 1);
    }

    [Fact]
    public void Before_any_stamp_the_first_calibration_leaves_none_behind()
    {
        var sent = _time.Timestamp;
        _clock.Calibrate(_time.Wall.AddHours(-5), sent, sent);

        Assert.Equal((_time.Wall.AddHours(-5) - DateTimeOffset.UnixEpoch).Ticks / 10, _clock.Next().UnixMicroseconds);
    }

    private void Calibrate(TimeSpan ahead, TimeSpan roundTrip)
    {
        var sent = _time.Timestamp;
        _time.Advance(roundTrip);
        _clock.Calibrate(_time.Wall - (roundTrip / 2) + ahead, sent, _time.Timestamp);
    }
}
