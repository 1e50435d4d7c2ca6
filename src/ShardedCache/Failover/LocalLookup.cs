using ShardedCache.Connections;
using ShardedCache.Entries;

namespace ShardedCache.Failover;

/// <summary>
/// What a local store knows of keys, without the locks of its stripes: these are held while commands are sent. It looks at no stripe either: each
/// write changes that, so it is mostly in another processor's cache.
/// </summary>
internal sealed class LocalLookup(IReadOnlyList<LocalStripe> stripes)
{
    private readonly LocalTable[] _tables = [.. stripes.Select(static stripe => stripe.Table)];
    private readonly StripeAnswers[] _answers = [.. stripes.Select(static stripe => stripe.Answers)];
    private int _unsent;

    /// <summary>Begins to look a key up.</summary>
    /// <returns>Its name's hash.</returns>
    public int Prefetch(in StoredKey key)
    {
        var hash = LocalTable.HashOf(key.Name);
        _tables[LocalStore.IndexOf(key)].Prefetch(hash);
        return hash;
    }

    /// <summary>
    /// What is very probably known of a key, where its master may answer for it. False where it takes the stripe's lock to know.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="hash">Of its name, by <see cref="LocalTable.HashOf"/>.</param>
    /// <param name="known">Its stamp, and when a master last said so; nothing: the default.</param>
    public bool TryLook(in StoredKey key, int hash, out (Stamp Stamp, long ConfirmedAt) known)
    {
        var at = LocalStore.IndexOf(key);

        // In this order: what is owed, or told before it is sent, is counted before it is told.
        return _tables[at].TryLook(hash, out known) && _answers[at].Owed == 0 && Volatile.Read(ref _unsent) == 0;
    }

    /// <summary>
    /// From before something is told to the table until its command is sent, where it is not sent first: who looks without the lock would be
    /// answered with what is older, and take that for late. Sessions and pages are not looked up here.
    /// </summary>
    public Telling TellUnsent() => new(this);

    public readonly ref struct Telling
    {
        private readonly LocalLookup _lookup;

        public Telling(LocalLookup lookup) => Interlocked.Increment(ref (_lookup = lookup)._unsent);

        public void Dispose() => Interlocked.Decrement(ref _lookup._unsent);
    }
}
