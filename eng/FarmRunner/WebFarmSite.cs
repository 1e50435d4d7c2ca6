using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using ShardedCache.Testing;

namespace FarmRunner;

/// <summary>The sample web application, as a process of its own that ends with this one.</summary>
public sealed class WebFarmSite : IAsyncDisposable
{
    // The shell ends the application when the shell's own input ends: also when the runner was killed.
    private const string EndWithParent = """exec 3<&0; "$0" "$@" </dev/null 3<&- & site=$!; (cat <&3 >/dev/null; kill $site 2>/dev/null) & wait $site""";

    private readonly Process _process;

    private WebFarmSite(Process process, string url)
    {
        _process = process;
        Url = url;
        Http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(10) };
    }

    public string Url { get; }

    public HttpClient Http { get; }

    public static async Task<WebFarmSite> StartAsync(string assembly, string contentRoot, RedisFarm farm, string name, CancellationToken cancellationToken)
    {
        var url = $"http://127.0.0.1:{FreePort()}/";
        var start = new ProcessStartInfo("sh", ["-c", EndWithParent, "dotnet", Path.GetFullPath(assembly), "--urls", url, "--contentRoot", Path.GetFullPath(contentRoot)])
        {
            RedirectStandardInput = true,
        };
        start.Environment["ConnectionStrings__ShardedRedis"] = farm.ConnectionString;
        start.Environment["DataProtection__KeysFolder"] = Path.Combine(farm.Directory, "keys");
        start.Environment["Instance"] = name;
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        start.Environment["Logging__LogLevel__ShardedCache"] = "Information";
        start.Environment["Logging__LogLevel__Microsoft.Extensions.Diagnostics.HealthChecks"] = "None";
        start.Environment["Logging__LogLevel__Microsoft.AspNetCore.DataProtection"] = "Error";
        var process = Process.Start(start) ?? throw new InvalidOperationException("sh could not be started.");
        var site = new WebFarmSite(process, url);
        try
        {
            await site.WaitUntilReadyAsync(cancellationToken);
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    public async Task<string> ShardOfAsync(string key, CancellationToken cancellationToken) =>
        (await Http.GetFromJsonAsync<JsonElement>($"entries/{key}/shard", cancellationToken)).GetProperty("shard").GetString()!;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                using var answer = await Http.GetAsync("", deadline.Token);
                answer.EnsureSuccessStatusCode();
                return;
            }
            catch (HttpRequestException) when (!_process.HasExited && !deadline.IsCancellationRequested)
            {
                await Task.Delay(50, cancellationToken);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
