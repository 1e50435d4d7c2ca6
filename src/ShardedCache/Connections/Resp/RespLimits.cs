namespace ShardedCache.Connections.Resp;

/// <summary>What a server may make this process hold, and what callers may. Beyond a limit a connection ends, or a command is refused.</summary>
internal static class RespLimits
{
    /// <summary>The largest text: as much as a Redis string can hold.</summary>
    public const int LongestText = 512 * 1024 * 1024;

    /// <summary>An integer, an error, a status: everything that ends with its line.</summary>
    public const int LongestLine = 64 * 1024;

    /// <summary>An array with all that is in it. Only control commands are answered with one.</summary>
    public const int LongestArray = 64 * 1024 * 1024;

    public const int MostElements = 1 << 18;

    public const int DeepestNesting = 16;

    /// <summary>Commands that await their reply. More would time out anyway: it is what a server answers in a second.</summary>
    public const int MostPending = 1 << 20;

    /// <summary>Bytes not yet taken by the network, beyond which no further command is accepted.</summary>
    public const long MostUnsent = 256L * 1024 * 1024;
}
