using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ShardedCache.Failover;

/// <summary>
/// Brings memory that has not been used for long into the processor's cache while something else is done. Each such access that has to be
/// waited for costs as much as some hundred instructions, and taking over a write needs half a dozen of them.
/// </summary>
internal static class ProcessorCache
{
    private const int Line = 64;

    // Its type and its length.
    private static readonly int ArrayHeader = 2 * IntPtr.Size;

    /// <summary>Some bytes of an object, from its beginning.</summary>
    public static unsafe void Prefetch(object target, int bytes)
    {
        if (Sse.IsSupported)
        {
            // By its address: making a reference to what is in it reads it already, to see that it is not null, and that is what is not to be
            // waited for. Should the garbage collector move it meanwhile, this is of no use, and does no harm.
            var address = (byte*)Unsafe.As<object, nint>(ref target);
            for (var at = 0; at < bytes; at += Line)
            {
                Sse.Prefetch0(address + at);
            }
        }
    }

    /// <summary>One element of an array, and what the array says of itself.</summary>
    public static unsafe void PrefetchElement<T>(T[] array, int index)
    {
        if (Sse.IsSupported)
        {
            var address = (byte*)Unsafe.As<T[], nint>(ref array);
            Sse.Prefetch0(address);
            Sse.Prefetch0(address + ArrayHeader + ((nint)index * Unsafe.SizeOf<T>()));
        }
    }
}
