using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>The ways into the cache, each of which is a path of its own inside.</summary>
internal enum CallForm
{
    /// <summary>Byte arrays, asynchronous.</summary>
    Plain,

    /// <summary>A buffer writer to read into, a sequence to write, asynchronous.</summary>
    Buffered,

    /// <summary>Byte arrays, and the thread is blocked.</summary>
    Synchronous,

    /// <summary>Several keys at once.</summary>
    Batch,
}

/// <summary>What the load wants done.</summary>
/// <param name="Keys">One, or several for a batch.</param>
/// <param name="FirstSequence">Of a set: the number of the first key's value; the others follow.</param>
internal sealed record Call(OperationKind Kind, CallForm Form, int[] Keys, Expiration Expiration, int FirstSequence);
