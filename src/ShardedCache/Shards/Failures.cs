using System.Runtime.ExceptionServices;

namespace ShardedCache.Shards;

/// <summary>The first failure among many operations that all run to their end.</summary>
internal static class Failures
{
    /// <summary>Throws it, where there is one, with the place where it was thrown first.</summary>
    public static void Rethrow(this Exception? failure)
    {
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }
}
