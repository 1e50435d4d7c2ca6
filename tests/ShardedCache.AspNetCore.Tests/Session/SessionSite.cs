using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>One instance of an application with ASP.NET Core's own session middleware. What a request does is the test's.</summary>
internal sealed class SessionSite : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Func<HttpContext, Task>> _requests = new();
    private readonly WebApplication _application;
    private int _number;

    private SessionSite(WebApplication application) => _application = application;

    public IServiceProvider Services => _application.Services;

    public SessionLog Log { get; private init; } = null!;

    public ShardedRedisCache Cache => (ShardedRedisCache)Services.GetRequiredService<IShardedCache>();

    public bool IsUp => Cache.Status.All(static shard => shard.State == Shards.ShardState.Up);

    /// <param name="keys">Where the Data Protection keys are that instances share.</param>
    /// <param name="configure">The services; null: sessions over the local memory alone.</param>
    /// <param name="session">The application's options.</param>
    public static async Task<SessionSite> StartAsync(string keys, Action<IServiceCollection> configure, Action<SessionOptions>? session = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        var log = new SessionLog();
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(log);
        builder.Services.AddDataProtection().SetApplicationName("farm").PersistKeysToFileSystem(new DirectoryInfo(keys));
        builder.Services.AddSession(options =>
        {
            options.IdleTimeout = TimeSpan.FromMinutes(20);
            session?.Invoke(options);
        });
        configure(builder.Services);
        var application = builder.Build();
        var site = new SessionSite(application) { Log = log };
        application.UseSession();
        application.Run(context => site._requests[context.Request.Query["request"].ToString()](context));
        await application.StartAsync();
        return site;
    }

    /// <summary>Sends one request; returns when its response has ended, and with it the commit.</summary>
    /// <returns>The cookie that the response has set, or null.</returns>
    public async Task<string?> SendAsync(string? cookie, Func<HttpContext, Task> handle)
    {
        var number = Interlocked.Increment(ref _number).ToString(CultureInfo.InvariantCulture);
        Exception? failure = null;
        _requests[number] = async context =>
        {
            try
            {
                await handle(context);
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        };
        using var client = _application.GetTestClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/?request={number}");
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        return response.Headers.TryGetValues("Set-Cookie", out var set) ? set.Single().Split(';')[0] : null;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();
}
