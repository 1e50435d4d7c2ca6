using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Entries;

public class EntryHeaderTests
{
    private static readonly Stamp Stamp = new(0x0102030405060708);

    [Theory]
    [InlineData(0, 0, "C1000102030405060708")]
    [InlineData(0x1122, 0, "C10101020304050607080000000000001122")]
    [InlineData(0, 0x3344, "C10201020304050607080000000000003344")]
    [InlineData(0x1122, 0x3344, "C103010203040506070800000000000011220000000000003344")]
    public void A_header_is_stored_as_documented(long absolute, long sliding, string bytes)
    {
        var header = EntryHeader.Value(Stamp, new EntryExpiration(absolute, sliding, default));

        Assert.Equal(bytes, Written(header));
        Assert.Equal(bytes.Length / 2, header.Length);
    }

    [Fact]
    public void A_tombstone_is_a_stamp_alone()
    {
        Assert.Equal("C1040102030405060708", Written(EntryHeader.Tombstone(Stamp)));
        Assert.Equal(TimeSpan.FromMinutes(2), EntryHeader.TombstoneLife);
    }

    [Fact]
    public void The_example_of_the_documentation_is_what_it_says()
    {
        var example = Convert.FromHexString("C103191D20ED96AC022A0000019B76DAA80000000000000271006869");

        Assert.True(EntryHeader.TryRead(example, out var header, out var length));
        Assert.Equal("hi"u8, example.AsSpan(length));
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds(), header.AbsoluteMilliseconds);
        Assert.Equal(160_000, header.SlidingMilliseconds);
        Assert.Equal(Stamp.From(1_767_225_420_000_000, 0x22A), header.Stamp);
    }

    [Fact]
    public void What_is_written_is_read_back() => Prop.ForAll<ulong, uint, uint>(static (stamp, absolute, sliding) =>
    {
        var header = EntryHeader.Value(new Stamp(stamp), new EntryExpiration(absolute * 1000L, sliding * 1000L, default));
        var bytes = new byte[EntryHeader.MaxLength + 3];
        var written = header.Write(bytes);
        return EntryHeader.TryRead(bytes, out var read, out var length) && read == header && length == written;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("C1")]
    [InlineData("C10001020304050607")]
    [InlineData("C101010203040506070800000000000011")]
    [InlineData("01000102030405060708")]
    [InlineData("C2000102030405060708")]
    [InlineData("C1080102030405060708")]
    [InlineData("C1800102030405060708")]
    [InlineData("C1050102030405060708000000000000112200")]
    [InlineData("C1060102030405060708000000000000112200")]
    [InlineData("C10101020304050607080020000000000000")]
    [InlineData("C1010102030405060708FFFFFFFFFFFFFFFF")]
    [InlineData("C10201020304050607080000000000000000")]
    [InlineData("C10201020304050607080020000000000000")]
    [InlineData("7B226E616D65223A226A736F6E227D")]
    public void What_is_not_wholly_a_header_of_this_version_is_not_read(string bytes)
    {
        Assert.False(EntryHeader.TryRead(Convert.FromHexString(bytes), out var header, out var length));
        Assert.Equal((default, 0), (header, length));
    }

    [Fact]
    public void No_bytes_make_reading_fail() => Prop.ForAll<byte[]>(static bytes =>
    {
        byte[] likely = [EntryHeader.Version, .. bytes];
        return !EntryHeader.TryRead(bytes, out _, out var length) | length <= EntryHeader.MaxLength
            & (!EntryHeader.TryRead(likely, out _, out length) | length <= likely.Length);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_absolute_expiration_has_come_at_its_very_millisecond()
    {
        var header = EntryHeader.Value(Stamp, new EntryExpiration(1000, 0, default));

        Assert.False(header.HasExpired(999));
        Assert.True(header.HasExpired(1000));
        Assert.False(EntryHeader.Value(Stamp, default).HasExpired(long.MaxValue));
    }

    private static string Written(EntryHeader header)
    {
        var bytes = new byte[EntryHeader.MaxLength];
        return Convert.ToHexString(bytes.AsSpan(0, header.Write(bytes)));
    }
}
