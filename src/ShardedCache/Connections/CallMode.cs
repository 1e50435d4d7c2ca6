namespace ShardedCache.Connections;

/// <summary>How the caller of an operation waits for its reply.</summary>
internal enum CallMode
{
    Asynchronous,

    /// <summary>
    /// The calling thread waits: the returned value task is already completed. Nothing that completes it may need a
    /// thread-pool thread, because the callers that block may hold them all.
    /// </summary>
    Blocking,
}
