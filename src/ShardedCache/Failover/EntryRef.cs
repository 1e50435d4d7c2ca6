namespace ShardedCache.Failover;

/// <summary>One use of an entry's object.</summary>
/// <param name="Entry">The object.</param>
/// <param name="Version">Which use of it.</param>
/// <param name="Unlocked">What its stripe takes as answered, where it can be acknowledged without the lock of that and without being looked at.</param>
internal readonly record struct EntryRef(LocalEntry? Entry, int Version, StripeAnswers? Unlocked)
{
    /// <summary>Refers to what the entry is now; its stripe is locked.</summary>
    public static EntryRef To(LocalEntry? entry) =>
        entry is null ? default : new(entry, entry.Version, entry is { IsShared: false, Page: null } ? entry.Stripe.Answers : null);

    /// <summary>The entry, while it is what it was and in its stripe, which is locked; else null.</summary>
    public LocalEntry? Current => Entry is { IsDetached: false } entry && entry.Version == Version ? entry : null;
}
