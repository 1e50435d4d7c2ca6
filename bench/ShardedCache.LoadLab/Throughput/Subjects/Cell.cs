namespace ShardedCache.LoadLab.Throughput;

/// <summary>What is measured, of every subject that has it.</summary>
/// <param name="Op">
/// <c>get</c>, <c>get-sliding</c> (a window of 20 minutes), <c>get-buffer</c>, <c>set</c>, <c>set-buffer</c>, <c>remove</c>, <c>batch</c>
/// (reads of 100 keys; each key counts), <c>mix</c> (nine gets to a set) or <c>miss</c>.
/// </param>
/// <param name="Payload">Bytes.</param>
/// <param name="InFlight">Callers, each with one operation at a time; of a batch each with 100 keys.</param>
/// <param name="Shards">Servers.</param>
public sealed record Cell(string Op, int Payload, int InFlight, int Shards);

/// <summary>One round of one subject in one cell.</summary>
/// <param name="OpsPerSecond">Operations that ended, by time.</param>
/// <param name="P50">Microseconds, of every 16th operation; so are the other two.</param>
/// <param name="P99">The slowest of a hundred.</param>
/// <param name="P999">The slowest of a thousand.</param>
/// <param name="ClientCpu">Microseconds of the client's process for each operation.</param>
/// <param name="ServerCpu">Microseconds of all servers' processes for each operation.</param>
/// <param name="AllocatedBytes">Managed bytes for each operation.</param>
public sealed record Figures(double OpsPerSecond, double P50, double P99, double P999, double ClientCpu, double ServerCpu, double? AllocatedBytes);
