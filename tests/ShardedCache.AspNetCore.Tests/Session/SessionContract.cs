using System.Text;
using Microsoft.AspNetCore.Http;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>What every session promises, whatever keeps it: through the real middleware, at two instances.</summary>
public abstract class SessionContract
{
    private protected abstract SessionSite Here { get; }

    /// <summary>Another instance, or the same where there is only one.</summary>
    private protected abstract SessionSite There { get; }

    private protected Visitor Visitor { get; } = new();

    [Fact]
    public async Task What_one_request_has_set_the_next_ones_read_at_any_instance()
    {
        await Visitor.SetAsync(Here, ("a", "1"), ("ü", "ä"), ("empty", ""), ("", "no name"));

        Assert.Equal("=no name a=1 empty= ü=ä", await Visitor.ReadAsync(Here));
        Assert.Equal("=no name a=1 empty= ü=ä", await Visitor.ReadAsync(There));
        await Visitor.SetAsync(There, ("a", "2"));
        Assert.Equal("=no name a=2 empty= ü=ä", await Visitor.ReadAsync(Here));
    }

    [Fact]
    public async Task Two_requests_at_once_that_set_different_keys_both_keep_their_change()
    {
        await Visitor.SetAsync(Here, ("a", "0"), ("b", "0"));
        var (first, second) = (await Visitor.BeginAsync(Here), await Visitor.BeginAsync(There));

        first.Session.SetString("a", "1");
        second.Session.SetString("b", "2");
        first.Session.SetString("new here", "1");
        second.Session.SetString("new there", "2");
        await first.EndAsync();
        await second.EndAsync();

        Assert.Equal("a=1 b=2 new here=1 new there=2", await Visitor.ReadAsync(Here));
    }

    [Fact]
    public async Task Of_two_requests_at_once_that_set_the_same_key_the_later_wins()
    {
        await Visitor.SetAsync(Here, ("a", "0"));
        var (first, second) = (await Visitor.BeginAsync(Here), await Visitor.BeginAsync(There));

        second.Session.SetString("a", "set first, ended last");
        first.Session.SetString("a", "set last, ended first");
        await first.EndAsync();
        await second.EndAsync();

        Assert.Equal("a=set first, ended last", await Visitor.ReadAsync(Here));
    }

    [Fact]
    public async Task A_removed_key_stays_removed_whatever_another_request_had_read()
    {
        await Visitor.SetAsync(Here, ("removed", "0"), ("kept", "0"));
        var (first, second) = (await Visitor.BeginAsync(Here), await Visitor.BeginAsync(There));

        first.Session.Remove("removed");
        second.Session.SetString("other", "2");
        await first.EndAsync();
        await second.EndAsync();

        Assert.Equal("kept=0 other=2", await Visitor.ReadAsync(There));
        await Visitor.SetAsync(Here, ("removed", "again"));
        Assert.Equal("kept=0 other=2 removed=again", await Visitor.ReadAsync(There));
    }

    [Fact]
    public async Task Clear_clears_and_leaves_what_comes_after_it()
    {
        await Visitor.SetAsync(Here, ("a", "0"), ("b", "0"));
        var (first, second) = (await Visitor.BeginAsync(Here), await Visitor.BeginAsync(There));

        first.Session.SetString("before", "1");
        first.Session.Clear();
        first.Session.SetString("after", "1");
        second.Session.SetString("later", "2");
        await first.EndAsync();
        await second.EndAsync();

        Assert.Equal("after=1 later=2", await Visitor.ReadAsync(Here));
        await Visitor.AtAsync(There, static session => session.Clear());
        Assert.Equal(string.Empty, await Visitor.ReadAsync(Here));
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("a key")]
    [InlineData("a key that it removes")]
    public async Task Clear_clears_what_was_set_since_its_request_has_read_the_session(string read)
    {
        await Visitor.SetAsync(Here, ("a", "0"));
        if (read == "nothing")
        {
            await Visitor.AtAsync(Here, static session => session.Remove("a"));
        }

        var request = await Visitor.BeginAsync(Here);
        await Visitor.SetAsync(There, ("b", "0"));
        if (read == "a key that it removes")
        {
            request.Session.Remove("a");
        }

        request.Session.Clear();
        await request.EndAsync();

        Assert.Equal(string.Empty, await Visitor.ReadAsync(There));
    }

    [Fact]
    public async Task Hundreds_of_requests_at_once_lose_no_change()
    {
        await Visitor.SetAsync(Here, ("start", "0"));
        var cookie = Visitor.Cookie;

        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => new Visitor { Cookie = cookie }.SetAsync(i % 2 == 0 ? Here : There, ($"key-{i:000}", $"{i}"))));

        Assert.Equal(string.Join(' ', (string[])[.. Enumerable.Range(0, 200).Select(static i => $"key-{i:000}={i}"), "start=0"]), await Visitor.ReadAsync(Here));
    }

    [Fact]
    public async Task Its_identifier_is_the_same_everywhere_and_is_not_what_the_cookie_holds()
    {
        string? given = null;
        await Visitor.AtAsync(Here, session =>
        {
            Assert.True(session.IsAvailable);
            given = session.Id;
            session.SetString("a", "1");
        });
        await Visitor.AtAsync(There, session => Assert.Equal(given, session.Id));
        await Visitor.AtAsync(Here, session =>
        {
            Assert.Equal(given, session.Id);
            session.Clear();
        });
        await Visitor.AtAsync(There, session => Assert.Equal(given, session.Id));

        Assert.True(Guid.TryParse(given, out _));
        var other = new Visitor();
        await other.AtAsync(Here, session => Assert.NotEqual(given, session.Id));
    }

    [Fact]
    public async Task A_session_that_is_only_read_gets_no_cookie()
    {
        await Visitor.AtAsync(Here, static session =>
        {
            Assert.Empty(session.Keys);
            Assert.False(session.TryGetValue("a", out _));
            session.Remove("a");
            session.Clear();
        });

        Assert.Null(Visitor.Cookie);
    }

    [Fact]
    public async Task Without_loading_it_first_it_is_loaded_when_it_is_used()
    {
        await Visitor.SendAsync(Here, static context =>
        {
            context.Session.SetString("a", "1");
            Assert.Equal("a=1", Session.Visitor.Show(context.Session));
            return Task.CompletedTask;
        });

        await Visitor.SendAsync(There, static context =>
        {
            Assert.True(context.Session.IsAvailable);
            Assert.Equal("a=1", Session.Visitor.Show(context.Session));
            context.Session.Remove("a");
            return Task.CompletedTask;
        });
        Assert.Equal(string.Empty, await Visitor.ReadAsync(Here));
    }

    [Fact]
    public async Task A_value_that_the_caller_changes_afterwards_stays_as_it_was_set()
    {
        var value = "abc"u8.ToArray();
        await Visitor.AtAsync(Here, session =>
        {
            session.Set("a", value);
            value[0] = (byte)'x';
        });

        Assert.Equal("a=abc", await Visitor.ReadAsync(There));
    }

    [Fact]
    public async Task An_application_may_commit_before_the_end_and_change_it_again()
    {
        await Visitor.SendAsync(Here, async context =>
        {
            context.Session.SetString("a", "1");
            context.Session.SetString("b", "1");
            await context.Session.CommitAsync();
            context.Session.SetString("a", "2");
            context.Session.Remove("b");
        });

        Assert.Equal("a=2", await Visitor.ReadAsync(There));
    }

    [Fact]
    public async Task Wrong_uses_are_refused_as_every_session_refuses_them()
    {
        await Visitor.AtAsync(Here, static session =>
        {
            Assert.Throws<ArgumentNullException>(() => session.Set("a", null!));
            Assert.Throws<ArgumentNullException>(() => session.Set(null!, []));
            Assert.Throws<ArgumentOutOfRangeException>(() => session.Set(new string('ü', 32_768), []));
            session.Set(new string('x', 65_535), [1]);
        });
        await Visitor.AtAsync(There, static session => Assert.True(session.TryGetValue(new string('x', 65_535), out _)));

        var late = new Visitor();
        await late.SendAsync(Here, static async context =>
        {
            await context.Response.WriteAsync("started");
            await context.Response.Body.FlushAsync();
            Assert.Throws<InvalidOperationException>(() => context.Session.SetString("a", "1"));
        });
        Assert.Null(late.Cookie);
    }

    [Fact]
    public async Task A_session_larger_than_the_cache_stores_is_not_committed_and_the_request_goes_on()
    {
        await Visitor.SetAsync(Here, ("a", "1"));

        await Visitor.AtAsync(Here, static session => session.Set("large", new byte[9 * 1024 * 1024]));

        Assert.Equal("a=1", await Visitor.ReadAsync(Here));
    }

    [Fact]
    public async Task Values_of_any_bytes_and_of_some_size_come_back_as_they_were()
    {
        var value = new byte[300_000];
        new Random(1).NextBytes(value);
        await Visitor.AtAsync(Here, session => session.Set("large", value));
        await Visitor.SetAsync(There, ("small", "1"));

        await Visitor.AtAsync(Here, session =>
        {
            Assert.True(session.TryGetValue("large", out var read));
            Assert.Equal(value, read);
            Assert.Equal("1", session.GetString("small"));
        });
    }
}
