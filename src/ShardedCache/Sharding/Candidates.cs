using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace ShardedCache.Sharding;

/// <summary>The names that compete for each key, and the search for the one with the greatest score.</summary>
internal sealed class Candidates
{
    /// <summary>Compared four at a time, in one vector or in four registers: one by one costs twice to five times as much.</summary>
    private const int Stride = 4;

    private readonly ulong[] _hashes;
    private readonly int[] _shards;

    public Candidates(IReadOnlyList<ShardName> shards)
    {
        var shardOf = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < shards.Count; i++)
        {
            shardOf.Add(shards[i].Name, i);
            for (var copy = 2; copy <= shards[i].Weight; copy++)
            {
                shardOf.Add($"{shards[i].Name}#{copy}", i);
            }
        }

        // Names are ASCII, so the ordinal order of the strings is the order of their bytes. It decides between equal
        // scores: the searches keep the first.
        string[] names = [.. shardOf.Keys];
        Array.Sort(names, StringComparer.Ordinal);
        _hashes = new ulong[(names.Length + Stride - 1) / Stride * Stride];
        _shards = new int[_hashes.Length];
        for (var i = 0; i < _hashes.Length; i++)
        {
            var name = names[Math.Min(i, names.Length - 1)];
            _hashes[i] = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(name));
            _shards[i] = shardOf[name];
        }
    }

    /// <summary>The index of the shard whose candidate wins.</summary>
    public int Winner(ulong keyHash) =>
        _shards[Vector256.IsHardwareAccelerated ? SearchVectors(_hashes, keyHash) : Search(_hashes, keyHash)];

    internal static int Search(ReadOnlySpan<ulong> hashes, ulong keyHash)
    {
        var winner = 0;
        var best = 0UL;
        for (var i = 0; i + Stride <= hashes.Length; i += Stride)
        {
            var a = Mix(keyHash ^ hashes[i]);
            var b = Mix(keyHash ^ hashes[i + 1]);
            var c = Mix(keyHash ^ hashes[i + 2]);
            var d = Mix(keyHash ^ hashes[i + 3]);
            var most = Math.Max(Math.Max(a, b), Math.Max(c, d));
            if (most > best)
            {
                best = most;
                winner = most == a ? i : most == b ? i + 1 : most == c ? i + 2 : i + 3;
            }
        }

        return winner;
    }

    internal static int SearchVectors(ReadOnlySpan<ulong> hashes, ulong keyHash)
    {
        var key = Vector256.Create(keyHash);
        var best = Vector256<ulong>.Zero;
        var winners = Vector256.Create(0UL, 1, 2, 3);
        var indexes = winners;
        foreach (var names in MemoryMarshal.Cast<ulong, Vector256<ulong>>(hashes))
        {
            var scores = Mix(key ^ names);
            var isBetter = Vector256.GreaterThan(scores, best);
            best = Vector256.ConditionalSelect(isBetter, scores, best);
            winners = Vector256.ConditionalSelect(isBetter, indexes, winners);
            indexes += Vector256.Create((ulong)Stride);
        }

        var lane = 0;
        for (var other = 1; other < Stride; other++)
        {
            if (best[other] > best[lane] || (best[other] == best[lane] && winners[other] < winners[lane]))
            {
                lane = other;
            }
        }

        return (int)winners[lane];
    }

    /// <summary>Two of the multipliers of SplitMix64's finalizer, with one shift: enough here, and measurably cheaper.</summary>
    private static ulong Mix(ulong z)
    {
        z *= 0xBF58476D1CE4E5B9;
        z ^= z >> 32;
        return z * 0x94D049BB133111EB;
    }

    private static Vector256<ulong> Mix(Vector256<ulong> z)
    {
        z *= Vector256.Create(0xBF58476D1CE4E5B9);
        z ^= z >> 32;
        return z * Vector256.Create(0x94D049BB133111EB);
    }
}
