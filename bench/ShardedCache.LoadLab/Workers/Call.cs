using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>What the load wants done.</summary>
/// <param name="Keys">One, or several for a batch.</param>
/// <param name="FirstSequence">Of a set: the number of the first key's value; the others follow.</param>
internal sealed record Call(OperationKind Kind, CallForm Form, int[] Keys, Expiration Expiration, int FirstSequence);
