namespace ShardedCache.Entries;

/// <summary>One key of a session.</summary>
/// <param name="Stamp">When it was last set or removed.</param>
/// <param name="Value">Null where it was removed.</param>
internal readonly record struct SessionItem(Stamp Stamp, byte[]? Value)
{
    /// <summary>Of two with the same stamp a removal wins, then the longer value, then the greater one: as their stored bytes compare.</summary>
    public bool IsLaterThan(SessionItem other)
    {
        if (Stamp != other.Stamp || Value is null || other.Value is null)
        {
            return Stamp > other.Stamp || (Stamp == other.Stamp && Value is null && other.Value is not null);
        }

        return Value.Length != other.Value.Length ? Value.Length > other.Value.Length : Value.AsSpan().SequenceCompareTo(other.Value) > 0;
    }
}

/// <summary>What a session is called in logs and by the application: never the key in its cookie.</summary>
/// <param name="Stamp">When it was given; 0 where it was not. Of two the later one stays.</param>
/// <param name="Value">16 random bytes.</param>
internal readonly record struct SessionId(Stamp Stamp, UInt128 Value)
{
    public bool IsLaterThan(SessionId other) => Stamp > other.Stamp || (Stamp == other.Stamp && Value > other.Value);
}
