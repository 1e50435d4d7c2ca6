using System.Buffers.Binary;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>
/// A value's bytes, which follow from who wrote it, its key and its number: process (1 byte), a mark (1), key (4), number
/// (4), then the bytes of a generator that these seed. So a reader can tell what it was given, and whether each byte
/// of it is right.
/// </summary>
internal static class Payload
{
    /// <summary>In bytes.</summary>
    public const int Longest = 300_000;

    private const int HeaderLength = 10;
    private const byte Mark = 0x5A;

    public static byte[] Create(ValueId value, int key)
    {
        var random = Seed(value, key);
        var bytes = new byte[Length(ref random)];
        bytes[0] = value.Process;
        bytes[1] = Mark;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), key);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(6), value.Sequence);
        for (var at = HeaderLength; at < bytes.Length; at += sizeof(ulong))
        {
            var next = Next(ref random);
            for (var i = at; i < Math.Min(at + sizeof(ulong), bytes.Length); i++)
            {
                bytes[i] = (byte)next;
                next >>= 8;
            }
        }

        return bytes;
    }

    /// <summary>Null when the bytes are not those of a value of this key.</summary>
    public static ValueId? Identify(ReadOnlySpan<byte> bytes, int key)
    {
        if (bytes.Length < HeaderLength || bytes[1] != Mark || BinaryPrimitives.ReadInt32LittleEndian(bytes[2..]) != key)
        {
            return null;
        }

        var value = new ValueId(bytes[0], BinaryPrimitives.ReadInt32LittleEndian(bytes[6..]));
        return bytes.SequenceEqual(Create(value, key)) ? value : null;
    }

    /// <summary>Mostly small; a few so large that the transports treat them otherwise.</summary>
    private static int Length(ref ulong random) => (Next(ref random) % 1000) switch
    {
        < 500 => HeaderLength + (int)(Next(ref random) % 90),
        < 850 => 100 + (int)(Next(ref random) % 900),
        < 999 => 1000 + (int)(Next(ref random) % 7192),
        _ => 60_000 + (int)(Next(ref random) % (Longest - 60_000)),
    };

    private static ulong Seed(ValueId value, int key) =>
        ((ulong)value.Process << 56) ^ ((ulong)(uint)key << 32) ^ (uint)value.Sequence ^ 0x9E3779B97F4A7C15;

    /// <summary>xorshift64*.</summary>
    private static ulong Next(ref ulong state)
    {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return state * 0x2545F4914F6CDD1D;
    }
}
