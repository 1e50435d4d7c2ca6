using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using FarmRunner;
using Microsoft.Playwright;
using ShardedCache.Testing;

namespace ShardedCache.Browser.Tests;

/// <summary>A visitor of two instances of the sample behind one farm, before, during and after the death of a master.</summary>
public sealed class WebFarmBrowserTests(Chromium chromium) : IClassFixture<Chromium>, IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _problems = new();
    private RedisFarm _farm = null!;
    private WebFarmSite[] _instances = [];
    private IBrowserContext _context = null!;
    private IPage _page = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { ReplicasPerShard = 2 }, Token);
        _instances = await Task.WhenAll(StartAsync("one"), StartAsync("two"));
        _context = await chromium.Browser.NewContextAsync();
        _page = await _context.NewPageAsync();
        _page.Response += (_, response) => Note(response.Status >= 400, $"{response.Status} of {response.Request.Method} {response.Url}");
        _page.RequestFailed += (_, request) => Note(true, $"{request.Method} {request.Url} failed: {request.Failure}");
        _page.PageError += (_, error) => Note(true, error);
        foreach (var instance in _instances)
        {
            await IsHealthyAsync(instance);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _context.CloseAsync();
        foreach (var instance in _instances)
        {
            await instance.DisposeAsync();
        }

        await _farm.DisposeAsync();
    }

    [Fact]
    public async Task A_session_goes_on_from_instance_to_instance_while_masters_die()
    {
        var count = 0;
        for (var visit = 0; visit < 4; visit++)
        {
            count = await CountOnAsync(count);
        }

        // Without a master instances cannot tell each other of a change: each goes on with what it knows, and agrees afterwards.
        var (here, before) = (_instances[count % 2], count);
        var promotions = KillMasters();
        while (!promotions.IsCompleted)
        {
            await _page.GotoAsync(Url(_instances[(before + 1) % 2], "/session"));
            Assert.InRange(int.Parse(await TextAsync("#count"), CultureInfo.InvariantCulture), before, count);
            await _page.GotoAsync(Url(here, "/session"));
            await ClickAsync("#increment");
            Assert.Equal($"{++count}", await TextAsync("#count"));
        }

        await promotions;
        await IsHealthyAsync(_instances[0]);
        await IsHealthyAsync(_instances[1]);
        for (var visit = 0; visit < 4; visit++)
        {
            count = await CountOnAsync(count);
        }

        Assert.True(count > 8);
        await ClickAsync("#clear");
        Assert.Equal("0", await TextAsync("#count"));
        Assert.Empty(_problems);
    }

    [Fact]
    public async Task A_page_is_rendered_once_for_both_instances_and_evicted_for_both_while_masters_die()
    {
        var (first, second) = (_instances[0], _instances[1]);
        var edition = await EditionAsync(first);
        Assert.Equal(edition, await EditionAsync(second));
        Assert.Equal("one", await TextAsync("#instance"));

        await ClickAsync("#evict");
        var next = await EditionAsync(first);
        Assert.NotEqual(edition, next);
        Assert.Equal(next, await EditionAsync(second));

        var promotions = KillMasters();
        do
        {
            // What one instance has evicted it never shows again.
            edition = await EditionAsync(first);
            await ClickAsync("#evict");
            Assert.NotEqual(edition, await TextAsync("#edition"));
            await EditionAsync(second);
        }
        while (!promotions.IsCompleted);

        await promotions;
        await IsHealthyAsync(first);
        await IsHealthyAsync(second);
        await EditionAsync(second);
        await ClickAsync("#evict");
        edition = await EditionAsync(first);
        Assert.Equal(edition, await EditionAsync(second));
        Assert.Equal(edition, await EditionAsync(first));
        Assert.Empty(_problems);
    }

    [Fact]
    public async Task An_entry_shows_its_shard_and_is_read_on_the_other_instance_also_without_its_master()
    {
        await _page.GotoAsync(Url(_instances[0], "/entry"));
        await _page.FillAsync("#key", "<b>user:42</b> & more");
        await ClickAsync("#find");
        await _page.FillAsync("#new", "forty-two <i>");
        await ClickAsync("#store");
        var shard = _farm.Shard(await TextAsync("#shard"));

        await _page.GotoAsync(Url(_instances[1], new Uri(_page.Url).PathAndQuery));
        Assert.Equal((shard.Name, "forty-two <i>"), (await TextAsync("#shard"), await TextAsync("#value")));
        Assert.Equal("<b>user:42</b> & more", await _page.InputValueAsync("#key"));

        await shard.WaitForReplicasAsync(cancellationToken: Token);
        shard.InitialMaster.Kill();
        await _page.ReloadAsync();
        Assert.Equal("forty-two <i>", await TextAsync("#value"));
        await ClickAsync("#remove");
        Assert.Equal("none", await TextAsync("#value"));
        Assert.Empty(_problems);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/session")]
    [InlineData("/news")]
    [InlineData("/entry?key=a-key-as-long-as-keys-are-where-somebody-puts-a-whole-address-into-them-and-more")]
    public async Task A_page_fits_a_telephone_and_is_dark_where_that_is_wanted(string path)
    {
        await _page.SetViewportSizeAsync(360, 640);
        await _page.GotoAsync(Url(_instances[0], path));

        Assert.True(await _page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        var light = await BackgroundAsync(ColorScheme.Light);
        Assert.True(Brightness(light) > 200, light);
        var dark = await BackgroundAsync(ColorScheme.Dark);
        Assert.True(Brightness(dark) < 60, dark);
        Assert.Empty(_problems);
    }

    private Task<WebFarmSite> StartAsync(string name) =>
        WebFarmSite.StartAsync(Path.Combine(AppContext.BaseDirectory, "WebFarm.dll"), Path.Combine(Root(AppContext.BaseDirectory), "samples/WebFarm"), _farm, name, Token);

    private static string Root(string directory) =>
        File.Exists(Path.Combine(directory, "ShardedCache.sln")) ? directory : Root(Path.GetDirectoryName(directory)!);

    private static string Url(WebFarmSite instance, string path) => new Uri(new Uri(instance.Url), path).ToString();

    private static double Brightness(string rgb) =>
        rgb.Split('(', ',', ')').Skip(1).Take(3).Average(static part => double.Parse(part, CultureInfo.InvariantCulture));

    private async Task<string> BackgroundAsync(ColorScheme scheme)
    {
        await _page.EmulateMediaAsync(new() { ColorScheme = scheme });
        return await _page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
    }

    /// <summary>Looks at the counter on one instance and counts on at the other.</summary>
    private async Task<int> CountOnAsync(int count)
    {
        await _page.GotoAsync(Url(_instances[count % 2], "/session"));
        Assert.Equal($"{count}", await TextAsync("#count"));
        await _page.GotoAsync(Url(_instances[(count + 1) % 2], "/session"));
        Assert.Equal($"{count}", await TextAsync("#count"));
        await ClickAsync("#increment");
        Assert.Equal($"{count + 1}", await TextAsync("#count"));
        return count + 1;
    }

    private async Task<string> EditionAsync(WebFarmSite instance)
    {
        await _page.GotoAsync(Url(instance, "/news"));
        return await TextAsync("#edition");
    }

    /// <summary>Clicks, and waits for the page that comes of it.</summary>
    private async Task ClickAsync(string selector)
    {
        await _page.EvaluateAsync("window.isLeft = true");
        await _page.ClickAsync(selector);
        await _page.WaitForFunctionAsync("!window.isLeft && document.readyState === 'complete'");
    }

    private async Task<string> TextAsync(string selector) => (await _page.TextContentAsync(selector))!.Trim();

    private Task KillMasters()
    {
        foreach (var shard in _farm.Shards)
        {
            shard.InitialMaster.Kill();
        }

        return Task.WhenAll(_farm.Shards.Select(shard => shard.WaitForNewMasterAsync(shard.InitialMaster, cancellationToken: Token)));
    }

    private static async Task IsHealthyAsync(WebFarmSite instance)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var health = await (await instance.Http.GetAsync("health", Token)).Content.ReadAsStringAsync(Token);
            if (health.StartsWith("Healthy", StringComparison.Ordinal))
            {
                return;
            }

            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(40), health);
            await Task.Delay(50, Token);
        }
    }

    private void Note(bool isProblem, string problem)
    {
        if (isProblem)
        {
            _problems.Enqueue(problem);
        }
    }
}
