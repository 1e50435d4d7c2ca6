using System.Buffers;

namespace ShardedCache.Connections;

/// <summary>A destination that does better with a value when it gets all of it at once.</summary>
internal interface IWholeValueWriter : IBufferWriter<byte>
{
    /// <summary>Takes the value, of which no part was written before and none follows.</summary>
    void WriteWhole(ReadOnlySpan<byte> value);
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
