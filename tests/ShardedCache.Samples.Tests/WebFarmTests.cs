using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc.Testing;
using ShardedCache.Testing;

namespace ShardedCache.Samples.Tests;

public sealed class WebFarmTests : IAsyncLifetime
{
    private RedisFarm _farm = null!;
    private WebApplicationFactory<Program> _application = null!;
    private HttpClient _http = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 2 }, Token);
        _application = new WebApplicationFactory<Program>().WithWebHostBuilder(
            host => host.UseSetting("ConnectionStrings:ShardedRedis", _farm.ConnectionString));
        _http = _application.CreateClient();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _application.DisposeAsync();
        await _farm.DisposeAsync();
    }

    [Fact]
    public async Task An_entry_is_stored_read_and_removed_and_its_shard_is_told()
    {
        using var stored = await _http.PutAsync("/entries/greeting", new StringContent("hello"), Token);
        var shard = (await stored.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("shard").GetString();
        Assert.Contains(_farm.Shards, known => known.Name == shard);

        using var read = await _http.GetAsync("/entries/greeting", Token);
        Assert.Equal("hello", await read.Content.ReadAsStringAsync(Token));
        Assert.Equal(shard, read.Headers.GetValues("X-Shard").Single());
        Assert.Equal("1", await _farm.Shard(shard!).InitialMaster.ExecuteAsync("EXISTS", "greeting"));

        using var removed = await _http.DeleteAsync("/entries/greeting", Token);
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        using var gone = await _http.GetAsync("/entries/greeting", Token);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task A_value_over_the_limit_is_a_bad_request()
    {
        using var refused = await _http.PutAsync("/entries/large", new ByteArrayContent(new byte[(8 * 1024 * 1024) + 1]), Token);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task Entries_are_read_stored_and_removed_while_their_shard_has_no_master()
    {
        var shard = (await _http.GetFromJsonAsync<JsonElement>("/entries/greeting/shard", Token)).GetProperty("shard").GetString()!;
        using var stored = await _http.PutAsync("/entries/greeting", new StringContent("hello"), Token);
        stored.EnsureSuccessStatusCode();
        _farm.Shard(shard).InitialMaster.Kill();

        Assert.Equal("hello", await _http.GetStringAsync("/entries/greeting", Token));
        using var again = await _http.PutAsync("/entries/greeting", new StringContent("hello again"), Token);
        again.EnsureSuccessStatusCode();
        Assert.Equal("hello again", await _http.GetStringAsync("/entries/greeting", Token));
        using var removed = await _http.DeleteAsync("/entries/greeting", Token);
        using var gone = await _http.GetAsync("/entries/greeting", Token);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task The_start_page_leads_to_all_the_others()
    {
        var start = await _http.GetStringAsync("/", Token);

        Assert.All(["/session", "/news", "/entry", "/health"], page => Assert.Contains($"href=\"{page}\"", start, StringComparison.Ordinal));
        foreach (var page in (string[])["/session", "/news", "/entry", "/site.css"])
        {
            using var answer = await _http.GetAsync(page, Token);
            answer.EnsureSuccessStatusCode();
        }
    }

    [Fact]
    public async Task Its_health_tells_of_the_shards()
    {
        using var health = await _http.GetAsync("/health", Token);

        Assert.Contains("of 2 shards up", await health.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_without_its_token_is_refused()
    {
        using var refused = await _http.PostAsync("/session", new FormUrlEncodedContent([new("step", "1")]), Token);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }
}
