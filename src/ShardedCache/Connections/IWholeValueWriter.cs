using System.Buffers;

namespace ShardedCache.Connections;

/// <summary>A destination that does better with a value when it gets all of it at once.</summary>
internal interface IWholeValueWriter : IBufferWriter<byte>
{
    /// <summary>Takes the value, of which no part was written before and none follows.</summary>
    void WriteWhole(ReadOnlySpan<byte> value);

    /// <summary>
    /// How long a value's head is, where the payload behind it would be kept in an array of its own; null where it would not, or where
    /// too little has come to tell. Changes nothing: the value may yet not come.
    /// </summary>
    /// <param name="begun">The value's first bytes.</param>
    int? HeadBeforeArray(ReadOnlySpan<byte> begun);

    /// <summary>Takes the value in two parts, as <see cref="HeadBeforeArray"/> has said.</summary>
    /// <param name="head">Its head.</param>
    /// <param name="payload">The rest; the writer's from now on.</param>
    void WriteWhole(ReadOnlySpan<byte> head, byte[] payload);
}

/// <summary>What a transport does with a value that it has received whole.</summary>
internal static class WholeValues
{
    /// <summary>Passes it on in whichever way the destination takes it.</summary>
    public static void WriteWhole(this IBufferWriter<byte> destination, ReadOnlySpan<byte> value)
    {
        if (destination is IWholeValueWriter whole)
        {
            whole.WriteWhole(value);
        }
        else
        {
            destination.Write(value);
        }
    }
}
