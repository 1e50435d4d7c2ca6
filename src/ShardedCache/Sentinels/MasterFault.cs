namespace ShardedCache.Sentinels;

internal enum MasterFaultKind : byte
{
    /// <summary>Not every Sentinel has had its time to answer yet.</summary>
    NotAskedYet,

    /// <summary>No Sentinel can be reached.</summary>
    AllUnreachable,

    /// <summary>Sentinels answer, and none of them monitors a master of this name: a configuration error.</summary>
    NameUnknown,

    /// <summary>The Sentinels refuse user, password, command or TLS: a configuration error.</summary>
    Refused,
}

/// <summary>Why nobody can say now who is master. The message names the Sentinels and what to do, never a secret.</summary>
internal sealed record MasterFault(MasterFaultKind Kind, string Message)
{
    public bool IsConfigurationError => Kind is MasterFaultKind.NameUnknown or MasterFaultKind.Refused;

    public static MasterFault NotAskedYet { get; } = new(MasterFaultKind.NotAskedYet, "The Sentinels have not answered yet.");
}
