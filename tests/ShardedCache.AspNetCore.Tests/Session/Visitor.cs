using System.Text;
using Microsoft.AspNetCore.Http;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>A browser: keeps its cookie.</summary>
internal sealed class Visitor
{
    public string? Cookie { get; set; }

    public async Task SendAsync(SessionSite site, Func<HttpContext, Task> handle) => Cookie = await site.SendAsync(Cookie, handle) ?? Cookie;

    /// <summary>Loads the session as an application should, and does something with it.</summary>
    public Task AtAsync(SessionSite site, Action<ISession> handle) => SendAsync(site, async context =>
    {
        await context.Session.LoadAsync(context.RequestAborted);
        handle(context.Session);
    });

    public Task SetAsync(SessionSite site, params (string Key, string Value)[] values) => AtAsync(site, session =>
    {
        foreach (var (key, value) in values)
        {
            session.Set(key, Encoding.UTF8.GetBytes(value));
        }
    });

    /// <summary>What the session holds: <c>a=1 b=2</c>.</summary>
    public async Task<string> ReadAsync(SessionSite site)
    {
        var read = string.Empty;
        await AtAsync(site, session => read = Show(session));
        return read;
    }

    /// <summary>A request that has loaded the session and is not ended before the test says so.</summary>
    public async Task<OpenRequest> BeginAsync(SessionSite site)
    {
        var request = new OpenRequest();
        request.Ended = SendAsync(site, async context =>
        {
            await context.Session.LoadAsync();
            request.Loaded.SetResult(context.Session);
            await request.End.Task;
        });
        request.Session = await request.Loaded.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        return request;
    }

    public static string Show(ISession session) => string.Join(' ', session.Keys.Order(StringComparer.Ordinal)
        .Select(key => $"{key}={(session.TryGetValue(key, out var value) ? Encoding.UTF8.GetString(value) : "?")}"));
}

internal sealed class OpenRequest
{
    public TaskCompletionSource<ISession> Loaded { get; } = new();

    public TaskCompletionSource End { get; } = new();

    public Task Ended { get; set; } = Task.CompletedTask;

    public ISession Session { get; set; } = null!;

    public Task EndAsync()
    {
        End.SetResult();
        return Ended;
    }
}
