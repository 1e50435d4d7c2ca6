namespace ShardedCache.Connections;

/// <summary>How the caller of an operation waits for its reply.</summary>
internal enum CallMode
{
    Asynchronous,

    /// <summary>
    /// The returned value task says that it is completed, and the thread that takes its result waits: a command can be sent under
    /// a lock and awaited without it. Nothing that completes it may need a thread-pool thread, because the callers that block may
    /// hold them all.
    /// </summary>
    Blocking,
}
