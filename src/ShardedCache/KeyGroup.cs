using Microsoft.Extensions.Caching.Distributed;

namespace ShardedCache;

/// <summary>What a cache does with the keys of a group, once they are known to belong to it.</summary>
internal interface IKeyGroupStore
{
    string GetShard(string key);

    Task SetGroupAsync(string group, IReadOnlyList<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token);

    Task RemoveGroupAsync(string group, IReadOnlyList<string> keys, CancellationToken token);

    Task RemoveWholeGroupAsync(string group, CancellationToken token);
}

/// <summary>Checks that every key is of the group, and leaves the rest to its cache.</summary>
internal sealed class KeyGroup : IKeyGroup
{
    private readonly IKeyGroupStore _store;
    private readonly string _prefix;

    public KeyGroup(string name, IKeyGroupStore store)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.AsSpan().ContainsAny('{', '}'))
        {
            throw new ArgumentException("The name of a key group must not hold a brace: it becomes the hash tag between braces.", nameof(name));
        }

        _store = store;
        _prefix = $"{{{name}}}:";
        Name = name;
        Shard = store.GetShard(_prefix);
    }

    public string Name { get; }

    public string Shard { get; }

    public string Key(string member)
    {
        ArgumentException.ThrowIfNullOrEmpty(member);
        return _prefix + member;
    }

    public Task SetAsync(IReadOnlyList<KeyValuePair<string, byte[]>> entries, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(options);
        string[] keys = [.. entries.Select(static entry => entry.Key)];
        Check(keys);
        if (keys.Distinct(StringComparer.Ordinal).Count() != keys.Length)
        {
            throw new ArgumentException("A key is given twice; an atomic set takes each key once.", nameof(entries));
        }

        if (entries.Any(static entry => entry.Value is null))
        {
            throw new ArgumentException("A value is null; remove the key instead.", nameof(entries));
        }

        token.ThrowIfCancellationRequested();
        return keys.Length == 0 ? Task.CompletedTask : _store.SetGroupAsync(Name, entries, options, token);
    }

    public Task RemoveAsync(IReadOnlyList<string> keys, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        string[] distinct = [.. keys.Distinct(StringComparer.Ordinal)];
        Check(distinct);
        token.ThrowIfCancellationRequested();
        return distinct.Length == 0 ? Task.CompletedTask : _store.RemoveGroupAsync(Name, distinct, token);
    }

    public Task RemoveAllAsync(CancellationToken token = default)
    {
        token.ThrowIfCancellationRequested();
        return _store.RemoveWholeGroupAsync(Name, token);
    }

    private void Check(IReadOnlyList<string> keys)
    {
        foreach (var key in keys)
        {
            ArgumentNullException.ThrowIfNull(key, nameof(keys));
        }

        KeyValuePair<string, string>[] shards = [.. keys.Select(key => KeyValuePair.Create(key, _store.GetShard(key)))];
        if (shards.Any(pair => pair.Value != Shard))
        {
            throw new CrossShardException(shards, Name);
        }

        if (keys.FirstOrDefault(key => !key.StartsWith(_prefix, StringComparison.Ordinal)) is { } stranger)
        {
            throw new ArgumentException($"'{stranger}' is not a key of this group: its keys begin with '{_prefix}'.", nameof(keys));
        }
    }
}
