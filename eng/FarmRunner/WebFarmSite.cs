using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace FarmRunner;

/// <summary>The sample web application, as a process of its own that ends with this one.</summary>
internal sealed class WebFarmSite : IAsyncDisposable
{
    // The shell ends the application when its standard input ends, so that it outlives a killed runner by nothing.
    private const string EndWithParent = "\"$0\" \"$@\" </dev/null & site=$!; cat >/dev/null; kill $site; wait $site";

    private readonly Process _process;

    private WebFarmSite(Process process, string url)
    {
        _process = process;
        Url = url;
        Http = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(10) };
    }

    public string Url { get; }

    public HttpClient Http { get; }

    public static async Task<WebFarmSite> StartAsync(string assembly, string connectionString, CancellationToken cancellationToken)
    {
        var url = $"http://127.0.0.1:{FreePort()}/";
        var start = new ProcessStartInfo("sh", ["-c", EndWithParent, "dotnet", assembly, "--urls", url])
        {
            RedirectStandardInput = true,
            WorkingDirectory = Path.GetDirectoryName(Path.GetFullPath(assembly))!,
        };
        start.Environment["ConnectionStrings__ShardedRedis"] = connectionString;
        start.Environment["Logging__LogLevel__Default"] = "Warning";
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
            catch (HttpRequestException) when (!_process.HasExited)
            {
                await Task.Delay(50, deadline.Token);
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
