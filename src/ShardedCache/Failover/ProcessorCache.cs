using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace ShardedCache.Failover;

/// <summary>
/// Brings memory that has not been used for long into the processor's cache while something else is done. Each such access that has to be
/// waited for costs as much as some hundred instructions, and taking over a write needs half a dozen of them.
/// </summary>
internal static class ProcessorCache
{
    private const int Line = 64;

    public static unsafe void Prefetch<T>(ref T place)
    {
        if (Sse.IsSupported)
        {
            // Should the garbage collector move the object meanwhile, this is of no use, and does no harm.
            Sse.Prefetch0(Unsafe.AsPointer(ref place));
        }
    }

    public static void Prefetch(byte[] array, int length)
    {
        ref var first = ref MemoryMarshal.GetArrayDataReference(array);
        for (var at = 0; at < length; at += Line)
        {
            Prefetch(ref Unsafe.Add(ref first, at));
        }
    }
}
