using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Entries;

namespace ShardedCache.Tests.Entries;

public class EntryReaderTests
{
    private readonly TestTime _time = new();
    private readonly StampClock _clock;

    public EntryReaderTests() => _clock = new StampClock(_time);

    private static readonly Stamp Stamp = new(0x0102030405060708);

    private long Now => _time.Wall.ToUnixTimeMilliseconds();

    [Fact]
    public void The_payload_of_a_live_entry_is_passed_on_whole_however_the_bytes_come() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(), Gen.Choose(0, 3).ToArbitrary(), ArbMap.Default.ArbFor<int>(), (payload, flags, seed) =>
        {
            var expiration = new EntryExpiration((flags & 1) == 0 ? 0 : Now + 1, (flags & 2) == 0 ? 0 : 5000, default);
            var header = EntryHeader.Value(Stamp, expiration);
            var target = new ArrayBufferWriter<byte>();
            var reader = new EntryReader();

            reader.Begin(target, _clock);
            Feed(reader, Stored(header, payload), new Random(seed));

            return reader.Outcome == EntryOutcome.Value && reader.Header == header && target.WrittenSpan.SequenceEqual(payload);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Nothing_of_what_is_not_a_live_entry_is_passed_on_however_the_bytes_come() => Prop.ForAll(
        ArbMap.Default.ArbFor<byte[]>(), Gen.Choose(0, 4).ToArbitrary(), ArbMap.Default.ArbFor<int>(), (payload, kind, seed) =>
        {
            var (stored, outcome) = kind switch
            {
                0 => (Stored(EntryHeader.Tombstone(Stamp), payload), EntryOutcome.Tombstone),
                1 => (Stored(EntryHeader.Value(Stamp, new EntryExpiration(Now, 0, default)), payload), EntryOutcome.Expired),
                2 => (Stored(EntryHeader.Value(Stamp, new EntryExpiration(Now - 1, 1000, default)), payload), EntryOutcome.Expired),
                3 => (Stored(new EntryHeader((EntryFlags)8, Stamp), payload), EntryOutcome.Foreign),
                _ => ([0x7B, .. payload], EntryOutcome.Foreign),
            };
            var target = new ArrayBufferWriter<byte>();
            var reader = new EntryReader();

            reader.Begin(target, _clock);
            Feed(reader, stored, new Random(seed));

            return reader.Outcome == outcome && target.WrittenCount == 0;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_entry_expires_while_its_bytes_are_on_their_way()
    {
        var reader = new EntryReader();
        reader.Begin(_clock);

        _time.Advance(TimeSpan.FromMilliseconds(5));
        reader.Write(Stored(EntryHeader.Value(Stamp, new EntryExpiration(Now, 0, default)), [1]));

        Assert.Equal(EntryOutcome.Expired, reader.Outcome);
    }

    [Fact]
    public void No_bytes_are_no_entry_and_a_broken_off_header_is_foreign()
    {
        var stored = Stored(EntryHeader.Value(Stamp, new EntryExpiration(Now + 1, 1, default)), []);
        for (var length = 0; length < stored.Length; length++)
        {
            var reader = new EntryReader();
            reader.Begin(_clock);
            reader.Write(stored.AsSpan(0, length));

            Assert.Equal(length == 0 ? EntryOutcome.None : EntryOutcome.Foreign, reader.Outcome);
        }
    }

    [Fact]
    public void An_empty_payload_is_a_value()
    {
        var reader = new EntryReader();
        reader.Begin(_clock);
        reader.Write(Stored(EntryHeader.Value(Stamp, default), []));

        Assert.Equal(EntryOutcome.Value, reader.Outcome);
        Assert.Empty(reader.ToArray());
    }

    [Fact]
    public void A_collected_payload_is_an_array_of_its_exact_size()
    {
        var payload = Enumerable.Range(0, 100_000).Select(static i => (byte)i).ToArray();
        var reader = new EntryReader();
        reader.Begin(_clock);
        Feed(reader, Stored(EntryHeader.Value(Stamp, default), payload), new Random(1));

        Assert.Equal(payload, reader.ToArray());
    }

    [Fact]
    public void Once_the_header_is_through_the_transport_writes_straight_into_the_callers_memory()
    {
        var target = new OneBuffer();
        var reader = new EntryReader();
        reader.Begin(target, _clock);
        reader.Write(Stored(EntryHeader.Value(Stamp, default), []));

        reader.GetSpan(100)[0] = 42;
        reader.Advance(1);

        Assert.Equal(42, target.Bytes[0]);
    }

    [Fact]
    public void A_reader_that_is_used_again_remembers_nothing_of_the_last_read()
    {
        var reader = new EntryReader();
        reader.Begin(_clock);
        reader.Write(Stored(EntryHeader.Value(Stamp, default), [1, 2, 3]));

        reader.Begin(_clock);

        Assert.Equal((EntryOutcome.None, default), (reader.Outcome, reader.Header));
        reader.Write(Stored(EntryHeader.Value(Stamp, default), [4]));
        Assert.Equal([4], reader.ToArray());
    }

    [Fact]
    public void A_pool_hands_out_each_reader_once()
    {
        var pool = new EntryReaderPool();
        var first = pool.Rent();
        pool.Return(first);

        Assert.Same(first, pool.Rent());
        Assert.NotSame(first, pool.Rent());
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        var value = Stored(EntryHeader.Value(Stamp, new EntryExpiration(Now + 1, 1, default)), new byte[5000]);
        var tombstone = Stored(EntryHeader.Tombstone(Stamp), []);
        var foreign = Enumerable.Repeat((byte)'x', 5000).ToArray();
        var target = new ArrayBufferWriter<byte>(10_000);
        var pool = new EntryReaderPool();
        ReadAll();

        var allocated = Allocations.Of(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                ReadAll();
            }
        });

        Assert.Equal(0, allocated);

        void ReadAll()
        {
            Read(value);
            Read(tombstone);
            Read(foreign);
        }

        void Read(byte[] stored)
        {
            var reader = pool.Rent();
            target.ResetWrittenCount();
            reader.Begin(target, _clock);
            reader.Write(stored);
            pool.Return(reader);
        }
    }

    private static byte[] Stored(EntryHeader header, byte[] payload)
    {
        var bytes = new byte[EntryHeader.MaxLength];
        return [.. bytes.AsSpan(0, header.Write(bytes)), .. payload];
    }

    /// <summary>Writes as a transport might: pieces of any size, by span or memory, asking for little, much or nothing.</summary>
    private static void Feed(EntryReader reader, ReadOnlySpan<byte> stored, Random random)
    {
        while (stored.Length > 0)
        {
            var hint = random.Next(4) switch { 0 => 0, 1 => 1, 2 => random.Next(1, 40), _ => random.Next(1, 6000) };
            var span = random.Next(2) == 0 ? reader.GetSpan(hint) : reader.GetMemory(hint).Span;
            Assert.True(span.Length >= Math.Max(hint, 1));
            var length = Math.Min(Math.Min(stored.Length, span.Length), random.Next(2) == 0 ? random.Next(0, 30) : int.MaxValue);
            stored[..length].CopyTo(span);
            reader.Advance(length);
            stored = stored[length..];
        }
    }

    private sealed class OneBuffer : IBufferWriter<byte>
    {
        public byte[] Bytes { get; } = new byte[1000];

        public void Advance(int count)
        {
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => Bytes;

        public Span<byte> GetSpan(int sizeHint = 0) => Bytes;
    }
}
