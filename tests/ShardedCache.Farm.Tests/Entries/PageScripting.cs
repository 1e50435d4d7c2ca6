using System.Text;
using ShardedCache.Entries;
using StackExchange.Redis;

namespace ShardedCache.Farm.Tests.Entries;

/// <summary>What the tests of the scripts over pages share. Each test has an instance name of its own.</summary>
public abstract class PageScripting(OneServer server) : ScriptTests(server)
{
    private readonly string _root = $"{Guid.NewGuid()}:__shardedcache:";

    private protected RedisKey Page(string name) => $"{_root}page:{name}";

    private protected RedisKey Bucket(string tag, int number) => $"{_root}tag-pages:{number}:{tag}";

    private protected RedisKey State(string tag) => $"{_root}tag:{tag}";

    private protected RedisKey Evicted(string tag) => $"{_root}tag-evicted:{tag}";

    private protected Task<long> SetAsync(string name, Stamp stamp, string text, params string[] tags) => SetAsync(name, stamp, text, tags, life: null);

    private protected Task<long> SetAsync(string name, Stamp stamp, string text, string[] tags, bool isReplay = false, TimeSpan? life = null)
    {
        var absolute = DateTimeOffset.UtcNow.Add(life ?? Minute).ToUnixTimeMilliseconds();
        var header = Entry(EntryHeader.Value(stamp, new EntryExpiration(absolute, 0, default)));
        return RunAsync(PageScripts.Set, Page(name), [_root, isReplay, header, (long)(life ?? Minute).TotalMilliseconds, 120_000, text, .. tags]);
    }

    private protected Task<long> RemoveAsync(string name, Stamp stamp) => RunAsync(PageScripts.Set, Page(name), _root, true, Tombstone(stamp), 120_000, 120_000, "");

    private protected Task<long> EvictAsync(string tag, Stamp stamp, int step = 1000, string how = "replay") =>
        RunAsync(PageScripts.Evict, Evicted(tag), _root, tag, stamp.ToBytes(), 120_000, step, how);

    private protected Task FillAsync(int count, string tag) => Task.WhenAll(Enumerable.Range(0, count).Select(i => SetAsync($"p{i}", Stamp, "text", tag)));

    private protected async Task<string?> TextAsync(string name)
    {
        if (await StoredAsync(Page(name)) is not { } stored)
        {
            return null;
        }

        Assert.True(EntryHeader.TryRead(stored, out _, out var length));
        Assert.True(PageFormat.TryFindBody(stored.AsSpan(length), out var start));
        return Encoding.UTF8.GetString(stored.AsSpan(length + start));
    }

    private protected async Task<IReadOnlyList<string>> MembersAsync(string tag, int bucket) =>
        [.. (await Database.SortedSetRangeByRankAsync(Bucket(tag, bucket))).Select(static member => (string)member!)];

    private protected async Task<IReadOnlyList<string>> AllMembersAsync(string tag)
    {
        var members = new List<string>();
        for (var bucket = 0; bucket < 12; bucket++)
        {
            members.AddRange(await MembersAsync(tag, bucket));
        }

        return members;
    }

    private protected async Task<int> CountAsync() => ((RedisValue[])(await Database.ExecuteAsync("KEYS", $"{_root}page:*"))!).Length;
}
