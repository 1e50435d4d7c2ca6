using ShardedCache.Connections;
using ShardedCache.Entries;
using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

/// <summary>What was written by the local clock, once the shard's is known.</summary>
public sealed class LocalCalibrationTests : IDisposable
{
    private readonly LocalWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void The_first_time_moves_stamps_and_expirations_in_their_order(int direction)
    {
        var lead = direction * TimeSpan.FromMinutes(10);
        var first = _world.Set("first", [1], sentOn: null, _world.Absolute(TimeSpan.FromMinutes(30)));
        var second = _world.Set("second", [1], sentOn: null, LocalWorld.Sliding(TimeSpan.FromMinutes(5)));
        var endless = _world.Set("endless", [1], sentOn: null);
        var removed = _world.Remove("removed", sentOn: null);
        var before = new[] { first, second, endless, removed }.Select(static entry => entry.Header.Stamp).ToArray();
        var (absolute, sliding) = (first.ExpiresAt, second.ExpiresAt);

        Calibrate(lead);

        Assert.Equal(before.Select(stamp => stamp.Plus((long)lead.TotalMicroseconds)), new[] { first, second, endless, removed }.Select(static entry => entry.Header.Stamp));
        Assert.True(_world.Clock.Next() > removed.Header.Stamp);
        Assert.Equal(absolute + (long)lead.TotalMilliseconds, first.ExpiresAt);
        Assert.Equal(first.ExpiresAt, first.Header.AbsoluteMilliseconds);
        Assert.Equal(sliding + (long)lead.TotalMilliseconds, second.ExpiresAt);
        Assert.Equal(long.MaxValue, endless.ExpiresAt);
        Assert.False(endless.Header.IsAbsolute);
    }

    [Fact]
    public void A_touch_is_moved_too()
    {
        _world.Store.Refresh(LocalWorld.Key("key"), null);
        var touched = _world.Find("key")!.TouchedAt;

        Calibrate(TimeSpan.FromHours(-1));

        Assert.Equal(touched - 3_600_000, _world.Find("key")!.TouchedAt);
    }

    [Fact]
    public void A_later_calibration_moves_nothing()
    {
        Calibrate(TimeSpan.FromMinutes(1));
        var entry = _world.Set("key", [1], sentOn: null, _world.Absolute(TimeSpan.FromMinutes(1)));
        var (header, expiresAt) = (entry.Header, entry.ExpiresAt);

        Calibrate(TimeSpan.FromMinutes(-1));

        Assert.Equal((header, expiresAt), (entry.Header, entry.ExpiresAt));
    }

    [Fact]
    public void An_operation_over_a_group_is_moved_with_its_members()
    {
        var stamp = _world.Clock.Next();
        var index = LocalWorld.Key(GroupKeys.IndexOf("g"));
        var group = new GroupOperation(index, LocalWorld.Key(GroupKeys.RemovalOf("g")), stamp, isRemovalOfAll: false);
        foreach (var name in (string[])["{g}:a", "{g}:b"])
        {
            StoredKey key = LocalWorld.Key(name) with { TagHash = index.TagHash };
            var stripe = _world.Store.StripeOf(key);
            var entry = stripe.Create(key, LocalKind.Value, EntryHeader.Value(stamp, default), PayloadCopy.Of([1]));
            (entry.Group, entry.IsShared) = (group, true);
            group.Entries.Add(entry);
            _world.Store.Write(stripe, entry, null);
        }

        Calibrate(TimeSpan.FromSeconds(-5));

        Assert.Equal(stamp.Plus(-5_000_000), group.Entries[0].Header.Stamp);
        Assert.Equal(stamp.Plus(-5_000_000), group.Entries[1].Header.Stamp);
        Assert.Equal(stamp.Plus(-5_000_000), group.Stamp);
    }

    private void Calibrate(TimeSpan lead)
    {
        var now = _world.Time.GetTimestamp();
        _world.Store.Calibrate(_world.Time.GetUtcNow() + lead, now, now);
    }
}
