extern alias Minimal;

using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Options;

namespace ShardedCache.Samples.Tests;

public sealed class MinimalTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_Development_it_serves_from_memory_with_nothing_configured()
    {
        await using var application = Application("Development");
        using var http = application.CreateClient();

        using var stored = await http.PutAsync("/greeting", new StringContent("hello"), Token);

        Assert.Equal(HttpStatusCode.NoContent, stored.StatusCode);
        Assert.Equal("hello", await http.GetStringAsync("/greeting", Token));
    }

    [Fact]
    public async Task In_Production_it_does_not_start_and_says_what_to_configure()
    {
        await using var application = Application("Production");

        var exception = Assert.ThrowsAny<OptionsValidationException>(() => application.CreateClient());

        Assert.Contains("ConnectionStrings:ShardedRedis", exception.Message, StringComparison.Ordinal);
    }

    private static WebApplicationFactory<Minimal::Program> Application(string environment) =>
        new WebApplicationFactory<Minimal::Program>().WithWebHostBuilder(host => host.UseEnvironment(environment));
}
