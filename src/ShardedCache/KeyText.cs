using System.Buffers;
using System.Text;

namespace ShardedCache;

/// <summary>What a caller's key may be.</summary>
internal static class KeyText
{
    public const string ReservedPrefix = "__shardedcache:";

    public static void Check(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.StartsWith(ReservedPrefix, StringComparison.Ordinal))
        {
            throw new ArgumentException($"Keys that begin with '{ReservedPrefix}' are the cache's own; choose another key.", nameof(key));
        }

        if (!IsWellFormed(key))
        {
            throw new ArgumentException("The key holds half of a surrogate pair, which has no UTF-8 form; use whole characters.", nameof(key));
        }
    }

    public static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out var consumed) != OperationStatus.Done)
            {
                return false;
            }

            text = text[consumed..];
        }

        return true;
    }
}
