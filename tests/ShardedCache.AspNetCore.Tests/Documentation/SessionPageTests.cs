using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.Session;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ShardedCache.AspNetCore.Tests.Documentation;

public sealed class SessionPageTests
{
    [Fact]
    public async Task Its_code_is_what_is_built_here()
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        builder.Services.AddShardedRedisCache();
        builder.Services.AddSession(options => options.IdleTimeout = TimeSpan.FromMinutes(20));
        builder.Services.AddShardedRedisSession();
        builder.Services.AddDataProtection()
            .SetApplicationName("shop")
            .PersistKeysToFileSystem(new DirectoryInfo("/var/lib/shop/keys"));
        var app = builder.Build();
        app.UseSession();
        await using var built = app;

        Assert.StartsWith("ShardedCache", Assert.Single(app.Services.GetServices<ISessionStore>()).GetType().FullName, StringComparison.Ordinal);
        var repository = app.Services.GetRequiredService<IOptions<KeyManagementOptions>>().Value.XmlRepository;
        Assert.Equal("/var/lib/shop/keys", Assert.IsType<FileSystemXmlRepository>(repository).Directory.FullName);
        var here = await File.ReadAllTextAsync(Path(), TestContext.Current.CancellationToken);
        var page = await File.ReadAllTextAsync(
            System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path())!, "../../../docs/session.md"), TestContext.Current.CancellationToken);
        var shown = page.Split("```csharp\n")[1].Split("```")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(shown, line => Assert.Contains(line, here, StringComparison.Ordinal));
    }

    private static string Path([CallerFilePath] string path = "") => path;
}
