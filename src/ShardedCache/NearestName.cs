namespace ShardedCache;

/// <summary>Guesses which known name a mistyped one was meant to be, by Levenshtein distance without regard to case.</summary>
internal static class NearestName
{
    // More edits than this make it another word rather than a slip of the finger.
    private const int MostEdits = 3;

    public static string Hint(string mistyped, IReadOnlyList<string> known) => Find(mistyped, known) is { } nearest
        ? $"did you mean '{nearest}'?"
        : $"known are {string.Join(", ", known)}.";

    /// <summary>The one that was probably meant; null where it is none of them.</summary>
    public static string? Find(string mistyped, IReadOnlyList<string> known)
    {
        var nearest = known.MinBy(name => Distance(mistyped, name))!;
        return Distance(mistyped, nearest) <= MostEdits ? nearest : null;
    }

    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > MostEdits)
        {
            return int.MaxValue;
        }

        var previous = Enumerable.Range(0, b.Length + 1).ToArray();
        foreach (var letter in a)
        {
            var current = new int[b.Length + 1];
            current[0] = previous[0] + 1;
            for (var i = 0; i < b.Length; i++)
            {
                var replaced = previous[i] + (char.ToUpperInvariant(letter) == char.ToUpperInvariant(b[i]) ? 0 : 1);
                current[i + 1] = Math.Min(replaced, Math.Min(previous[i + 1], current[i]) + 1);
            }

            previous = current;
        }

        return previous[b.Length];
    }
}
