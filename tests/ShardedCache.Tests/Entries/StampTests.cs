using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Entries;

public class StampTests
{
    [Fact]
    public void A_stamp_is_microseconds_and_10_bits_of_the_process_stored_big_endian()
    {
        var stamp = Stamp.From(0x0006_4762_0C6D_5C00, 0x3FF);

        Assert.Equal(0x0006_4762_0C6D_5C00, stamp.UnixMicroseconds);
        Assert.Equal([0x19, 0x1D, 0x88, 0x31, 0xB5, 0x70, 0x03, 0xFF], stamp.ToBytes());
        Assert.Equal(stamp, Stamp.Read(stamp.ToBytes()));
    }

    [Fact]
    public void Bits_of_the_process_beyond_the_tenth_do_not_reach_the_time() =>
        Assert.Equal(1, Stamp.From(1, uint.MaxValue).UnixMicroseconds);

    [Fact]
    public void Stamps_order_as_unsigned_numbers_and_as_their_bytes() => Prop.ForAll<ulong, ulong>(static (left, right) =>
    {
        var (a, b) = (new Stamp(left), new Stamp(right));
        var expected = left.CompareTo(right);
        return a.CompareTo(b) == expected
            && Math.Sign(a.ToBytes().AsSpan().SequenceCompareTo(b.ToBytes())) == expected
            && (a < b) == (expected < 0) && (a > b) == (expected > 0) && (a <= b) == (expected <= 0) && (a >= b) == (expected >= 0);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1_000_000, 1000)]
    [InlineData(1_000_000, -1000)]
    [InlineData(1_000_000, 0)]
    public void A_stamp_that_is_moved_keeps_the_bits_of_the_process(long microseconds, long by) =>
        Assert.Equal(Stamp.From(microseconds + by, 0x2A5), Stamp.From(microseconds, 0x2A5).Plus(by));

    [Fact]
    public void A_stamp_is_not_moved_before_the_epoch() => Assert.Equal(Stamp.From(0, 7), Stamp.From(5, 7).Plus(-6));

    [Fact]
    public void Stamps_that_are_moved_together_keep_their_order() => Prop.ForAll<uint, uint, int>(static (left, right, by) =>
    {
        var (a, b) = (Stamp.From(int.MaxValue + (long)left, left), Stamp.From(int.MaxValue + (long)right, right));
        return a.CompareTo(b) == a.Plus(by).CompareTo(b.Plus(by));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_stamp_with_the_highest_bit_is_the_later_one() =>
        Assert.True(new Stamp(0x8000_0000_0000_0000) > new Stamp(0x7FFF_FFFF_FFFF_FFFF));
}
