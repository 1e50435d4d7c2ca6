namespace ShardedCache.LoadLab;

/// <summary>The lab itself could not do what it had to.</summary>
internal sealed class LabException(string message) : Exception(message);
