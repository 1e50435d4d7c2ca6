using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Entries;

/// <summary>The copy that is kept beside what the caller gets, and answers that come from elsewhere.</summary>
public class EntryReaderCopyTests
{
    private static readonly Stamp Stamp = new(0x0102030405060708);

    private readonly StampClock _clock = new(new TestTime());
    private readonly EntryReader _reader = new();
    private readonly ArrayBufferWriter<byte> _target = new();

    [Fact]
    public void The_copy_is_the_payload_however_the_bytes_come_and_only_up_to_its_size() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<int>(), ArbMap.Default.ArbFor<bool>(), (payload, seed, isCollected) =>
        {
            var random = new Random(seed);
            var bound = random.Next(0, (2 * payload.Length) + 1);
            var target = new ArrayBufferWriter<byte>();
            var reader = new EntryReader();
            if (isCollected)
            {
                reader.Begin(_clock);
            }
            else
            {
                reader.Begin(target, _clock);
            }

            reader.Keep(default, 0, bound);
            for (ReadOnlySpan<byte> rest = Stored(payload); rest.Length > 0;)
            {
                var length = random.Next(1, Math.Min(rest.Length, 30) + 1);
                rest[..length].CopyTo(reader.GetSpan(length));
                reader.Advance(length);
                rest = rest[length..];
            }

            var isKept = reader.TryGetKept(out var kept);
            return isKept == (payload.Length <= bound)
                && (!isKept || kept.SequenceEqual(payload))
                && (isCollected ? reader.ToArray() : target.WrittenSpan.ToArray()).SequenceEqual(payload);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_a_version_that_is_known_no_copy_is_kept(bool isCollected)
    {
        Begin(isCollected);
        _reader.Keep(Stamp, 0, 100);

        _reader.Write(Stored([1, 2]));

        Assert.False(_reader.TryGetKept(out _));
        Assert.Equal(EntryOutcome.Value, _reader.Outcome);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_none_was_asked_for_there_is_none(bool isCollected)
    {
        Begin(isCollected);
        _reader.Write(Stored([1, 2]));
        Assert.False(_reader.TryGetKept(out _));

        Begin(isCollected);
        _reader.Keep(default, 0, -1);
        _reader.Write(Stored([]));
        Assert.False(_reader.TryGetKept(out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_an_empty_payload_there_is_an_empty_copy(bool isCollected)
    {
        Begin(isCollected);
        _reader.Keep(default, 0, 0);

        _reader.Write(Stored([]));

        Assert.True(_reader.TryGetKept(out var kept));
        Assert.Equal(0, kept.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_what_is_no_live_entry_there_is_no_copy(bool isCollected)
    {
        foreach (var stored in (byte[][])[Stored([1], EntryHeader.Tombstone(Stamp)), Stored([1], EntryHeader.Value(Stamp, new(1, 0, default))), [0x7B, 1, 2], []])
        {
            Begin(isCollected);
            _reader.Keep(default, 0, 100);
            _reader.Write(stored);

            Assert.False(_reader.TryGetKept(out _));
        }
    }

    [Fact]
    public void An_entry_says_again_what_is_known_where_its_stamp_is_the_same_and_that_was_confirmed_lately()
    {
        foreach (var (stored, known, age, isAgain) in new (byte[], Stamp, long, bool)[]
        {
            (Stored([1]), Stamp, 0, true),
            (Stored([1]), Stamp, 99, true),
            (Stored([1]), Stamp, 100, false),
            (Stored([1]), new Stamp(1), 0, false),
            (Stored([], EntryHeader.Tombstone(Stamp)), Stamp, 0, true),
            (Stored([1], EntryHeader.Value(Stamp, new(1, 0, default))), Stamp, 0, false),
            ([0x7B, 1, 2], Stamp, 0, false),
            ([], default, 0, false),
        })
        {
            _reader.Begin(_target, _clock);
            _reader.Keep(known, _clock.NowMilliseconds - age, 100);
            _reader.Write(stored);

            Assert.Equal(isAgain, _reader.SaysAgain(100));
        }
    }

    [Fact]
    public void The_next_read_keeps_nothing_unless_it_asks()
    {
        _reader.Begin(_target, _clock);
        _reader.Keep(default, 0, 100);
        _reader.Write(Stored([1, 2]));

        _reader.Begin(_target, _clock);
        Assert.False(_reader.TryGetKept(out _));
        _reader.Write(Stored([3]));

        Assert.False(_reader.TryGetKept(out _));
    }

    [Fact]
    public void A_read_starts_over_while_the_caller_has_nothing_of_it()
    {
        foreach (var stored in (byte[][])[[], Stored([])[..3], Stored([]), [0x7B, 1, 2], Stored([1, 2, 3], EntryHeader.Tombstone(Stamp))])
        {
            _reader.Begin(_target, _clock);
            _reader.Write(stored);

            Assert.True(_reader.TryRestart());
            Assert.Equal((EntryOutcome.None, default), (_reader.Outcome, _reader.Header));
        }

        _reader.Write(Stored([4]));
        Assert.Equal([4], _target.WrittenSpan.ToArray());
    }

    [Fact]
    public void A_read_whose_first_bytes_the_caller_has_cannot_start_over()
    {
        _reader.Begin(_target, _clock);
        _reader.Write(Stored([1])[..10]);
        Assert.True(_reader.TryRestart());

        _reader.Write(Stored([1]));
        Assert.False(_reader.TryRestart());

        _reader.Begin(_target, _clock);
        _reader.Write(Stored([]));
        _reader.GetSpan(1)[0] = 1;
        _reader.Advance(1);
        Assert.False(_reader.TryRestart());
    }

    [Fact]
    public void What_is_collected_is_dropped_when_the_read_starts_over()
    {
        _reader.Begin(_clock);
        _reader.Write(Stored([1, 2]));

        Assert.True(_reader.TryRestart());
        _reader.Write(Stored([3]));

        Assert.Equal([3], _reader.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_payload_from_elsewhere_reaches_the_caller_as_a_value(bool isCollected)
    {
        Begin(isCollected);
        _reader.Write((byte[])[0xC1]);
        Assert.True(_reader.TryRestart());

        _reader.Supply([1, 2, 3]);

        Assert.Equal(EntryOutcome.Value, _reader.Outcome);
        Assert.Equal([1, 2, 3], isCollected ? _reader.ToArray() : _target.WrittenSpan.ToArray());
        Assert.False(_reader.TryGetKept(out _));
    }

    private static byte[] Stored(byte[] payload, EntryHeader? header = null)
    {
        var bytes = new byte[EntryHeader.MaxLength];
        return [.. bytes.AsSpan(0, (header ?? EntryHeader.Value(Stamp, default)).Write(bytes)), .. payload];
    }

    private void Begin(bool isCollected)
    {
        if (isCollected)
        {
            _reader.Begin(_clock);
        }
        else
        {
            _reader.Begin(_target, _clock);
        }
    }
}
