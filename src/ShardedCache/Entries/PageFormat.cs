using System.Buffers.Binary;
using System.Text;

namespace ShardedCache.Entries;

/// <summary>
/// The payload of a page's entry, byte by byte (all numbers big-endian, unsigned; see <c>docs/entry-format.md</c>):
/// <code>
/// 0..3   length of the table of tags, in bytes
/// table  for each tag: 4 bytes number of the bucket, 2 bytes length of the tag, the tag in UTF-8
/// then   the page
/// </code>
/// The server's script makes it, because only there the bucket is known.
/// </summary>
internal static class PageFormat
{
    /// <summary>Before the table.</summary>
    public const int LengthBytes = 4;

    /// <summary>What stands before the page where there are no tags.</summary>
    public static ReadOnlySpan<byte> NoTags => new byte[LengthBytes];

    private const int TagHeader = 4 + 2;

    /// <summary>Finds where the page begins. False for anything that is not wholly a page's payload.</summary>
    public static bool TryFindBody(ReadOnlySpan<byte> payload, out int start)
    {
        start = 0;
        if (payload.Length < LengthBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(payload);
        if (length > payload.Length - LengthBytes)
        {
            return false;
        }

        start = LengthBytes + (int)length;
        return true;
    }

    /// <summary>The tags of a payload in which <see cref="TryFindBody"/> has found a page; what the table holds beside whole tags is left out.</summary>
    public static IReadOnlyList<string> Tags(ReadOnlySpan<byte> payload)
    {
        var tags = new List<string>();
        if (TryFindBody(payload, out var start))
        {
            var table = payload[LengthBytes..start];
            while (table.Length >= TagHeader && BinaryPrimitives.ReadUInt16BigEndian(table[4..]) is var length && table.Length >= TagHeader + length)
            {
                tags.Add(Encoding.UTF8.GetString(table.Slice(TagHeader, length)));
                table = table[(TagHeader + length)..];
            }
        }

        return tags;
    }
}
