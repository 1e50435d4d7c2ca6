using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.OutputCaching;

namespace ShardedCache.AspNetCore.Tests.OutputCaching;

/// <summary>What every store of the output cache promises, over whatever cache. Each test has pages and tags of its own.</summary>
public abstract class OutputCacheStoreContract
{
    protected static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly string _id = Guid.NewGuid().ToString("N");

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected abstract IOutputCacheStore Store { get; }

    /// <summary>The store of another instance, or the same where there is only one.</summary>
    protected abstract IOutputCacheStore Other { get; }

    protected abstract int MaximumPayloadBytes { get; }

    protected IOutputCacheBufferStore Buffers => Assert.IsAssignableFrom<IOutputCacheBufferStore>(Store);

    [Fact]
    public async Task A_page_is_read_back_by_every_instance_and_an_unknown_one_is_a_miss()
    {
        Assert.Null(await ReadAsync("page"));
        await WriteAsync("page", "one", "tag");

        Assert.Equal("one", await ReadAsync("page"));
        Assert.Equal("one", await TextAsync(Other, "page"));
        Assert.Null(await ReadAsync("other page"));
        Assert.Null(await ReadAsync("PAGE"));
    }

    [Fact]
    public async Task A_page_without_tags_is_stored_and_replaced_and_may_be_empty()
    {
        await Store.SetAsync(Key("page"), "one"u8.ToArray(), null, Minute, Token);
        await Store.SetAsync(Key("page"), [], [], Minute, Token);

        Assert.Equal("", await ReadAsync("page"));
    }

    [Fact]
    public async Task A_page_expires_after_the_time_for_which_it_is_valid_and_never_lives_without_one()
    {
        await Store.SetAsync(Key("short"), "one"u8.ToArray(), Tags("tag"), TimeSpan.FromMilliseconds(200), Token);
        await Store.SetAsync(Key("none"), "one"u8.ToArray(), Tags("tag"), TimeSpan.Zero, Token);
        await Store.SetAsync(Key("negative"), "one"u8.ToArray(), Tags("tag"), -Minute, Token);
        await Store.SetAsync(Key("endless"), "one"u8.ToArray(), Tags("tag"), TimeSpan.MaxValue, Token);

        Assert.Null(await ReadAsync("none"));
        Assert.Null(await ReadAsync("negative"));
        Assert.Equal("one", await ReadAsync("endless"));
        await Eventually.HoldsAsync(async () => await ReadAsync("short") is null, "the page has expired");
    }

    [Fact]
    public async Task An_eviction_takes_the_pages_of_its_tag_on_every_shard_and_no_others()
    {
        var all = Enumerable.Range(0, 60).ToArray();
        await Task.WhenAll(all.Select(i => WriteAsync($"page {i}", $"text {i}", i % 2 == 0 ? "even" : "odd", "all")));

        await Store.EvictByTagAsync(Tag("even"), Token);

        foreach (var i in all)
        {
            Assert.Equal(i % 2 == 0 ? null : $"text {i}", await ReadAsync($"page {i}"));
            Assert.Equal(i % 2 == 0 ? null : $"text {i}", await TextAsync(Other, $"page {i}"));
        }

        await Other.EvictByTagAsync(Tag("all"), Token);
        Assert.All(await Task.WhenAll(all.Select(i => ReadAsync($"page {i}"))), Assert.Null);
    }

    [Fact]
    public async Task An_eviction_of_a_tag_that_nobody_carries_is_no_error()
    {
        await WriteAsync("page", "one", "tag");

        await Store.EvictByTagAsync(Tag("unknown"), Token);
        await Store.EvictByTagAsync(new string('x', 100_000), Token);
        await Store.EvictByTagAsync("half a pair \uD800", Token);

        Assert.Equal("one", await ReadAsync("page"));
    }

    [Fact]
    public async Task A_page_that_is_written_after_an_eviction_stays_and_the_next_eviction_takes_it()
    {
        await WriteAsync("page", "one", "tag");
        await Store.EvictByTagAsync(Tag("tag"), Token);
        await WriteAsync("page", "two", "tag");
        Assert.Equal("two", await ReadAsync("page"));

        await Store.EvictByTagAsync(Tag("tag"), Token);

        Assert.Null(await ReadAsync("page"));
    }

    [Fact]
    public async Task A_tag_that_replaces_another_leads_to_the_page_and_the_replaced_one_no_longer()
    {
        await WriteAsync("page", "one", "first", "both");
        await WriteAsync("page", "two", "second", "both");

        await Store.EvictByTagAsync(Tag("first"), Token);
        Assert.Equal("two", await ReadAsync("page"));

        await Store.EvictByTagAsync(Tag("second"), Token);
        Assert.Null(await ReadAsync("page"));
    }

    [Theory]
    [InlineData("tag with spaces, colons: and {braces}")]
    [InlineData("1:tag")]
    [InlineData("")]
    [InlineData("äöü 漢字 🎉")]
    [InlineData("\0\n")]
    public async Task Tags_and_keys_are_any_strings(string text)
    {
        await Store.SetAsync(text + _id, "one"u8.ToArray(), [text + _id, text], Minute, Token);
        Assert.Equal("one", Encoding.UTF8.GetString((await Store.GetAsync(text + _id, Token))!));

        await Store.EvictByTagAsync(text + _id, Token);

        Assert.Null(await Store.GetAsync(text + _id, Token));
    }

    [Fact]
    public async Task A_tag_that_is_given_twice_counts_once()
    {
        await WriteAsync("page", "one", "tag", "tag");
        await Store.EvictByTagAsync(Tag("tag"), Token);

        Assert.Null(await ReadAsync("page"));
    }

    [Fact]
    public async Task What_cannot_be_stored_is_a_miss_and_never_an_exception()
    {
        await Store.SetAsync(Key("large"), new byte[MaximumPayloadBytes + 1], [], Minute, Token);
        Assert.Null(await ReadAsync("large"));

        await Store.SetAsync(Key("largest"), new byte[MaximumPayloadBytes], [], Minute, Token);
        Assert.Equal(MaximumPayloadBytes, (await Store.GetAsync(Key("largest"), Token))?.Length);
    }

    [Fact]
    public async Task Payload_and_tags_are_the_callers_again_when_a_page_is_stored()
    {
        var payload = "the page"u8.ToArray();
        string[] tags = [Tag("tag")];

        await Buffers.SetAsync(Key("page"), new ReadOnlySequence<byte>(payload), tags, Minute, Token);
        payload.AsSpan().Fill((byte)'!');
        tags[0] = Tag("scribbled");

        Assert.Equal("the page", await ReadAsync("page"));
        await Store.EvictByTagAsync(Tag("scribbled"), Token);
        Assert.Equal("the page", await ReadAsync("page"));
        await Store.EvictByTagAsync(Tag("tag"), Token);
        Assert.Null(await ReadAsync("page"));
    }

    [Fact]
    public async Task Pieces_of_a_sequence_are_stored_as_one_page_and_written_to_a_pipe()
    {
        var page = Enumerable.Range(0, 200_000).Select(static i => (byte)i).ToArray();
        await Buffers.SetAsync(Key("page"), Pieces(page, 1000), Tags("tag"), Minute, Token);

        var pipe = new Pipe();
        var reading = ReadToEndAsync(pipe.Reader);
        Assert.True(await Buffers.TryGetAsync(Key("page"), pipe.Writer, Token));
        await pipe.Writer.CompleteAsync();

        Assert.Equal(page, await reading);
        Assert.Equal(page, await Store.GetAsync(Key("page"), Token));
        Assert.False(await Buffers.TryGetAsync(Key("none"), new Pipe().Writer, Token));
    }

    [Fact]
    public async Task A_caller_who_has_given_up_learns_it()
    {
        var cancelled = new CancellationToken(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.GetAsync(Key("page"), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.SetAsync(Key("page"), [], [], Minute, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.EvictByTagAsync(Tag("tag"), cancelled));
    }

    protected string Key(string name) => $"GET\u001eHTTP\u001eLOCALHOST:80\u001e/{_id}/{name}";

    protected string Tag(string name) => $"{name} of {_id}";

    protected string[] Tags(params string[] names) => [.. names.Select(Tag)];

    protected Task WriteAsync(string name, string text, params string[] tags) =>
        Store.SetAsync(Key(name), Encoding.UTF8.GetBytes(text), Tags(tags), Minute, Token).AsTask();

    protected Task<string?> ReadAsync(string name) => TextAsync(Store, name);

    protected async Task<string?> TextAsync(IOutputCacheStore store, string name) =>
        await store.GetAsync(Key(name), Token) is { } page ? Encoding.UTF8.GetString(page) : null;

    private static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        using var collected = new MemoryStream();
        await reader.CopyToAsync(collected, Token);
        return collected.ToArray();
    }

    private static ReadOnlySequence<byte> Pieces(byte[] bytes, int size)
    {
        var first = new Piece(bytes.AsMemory(0, size), null);
        var last = first;
        for (var at = size; at < bytes.Length; at += size)
        {
            last = new Piece(bytes.AsMemory(at, size), last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? previous)
        {
            Memory = memory;
            if (previous is not null)
            {
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
                previous.Next = this;
            }
        }
    }
}
