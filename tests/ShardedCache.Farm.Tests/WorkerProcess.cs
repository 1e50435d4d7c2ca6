using System.Diagnostics;

namespace ShardedCache.Farm.Tests;

/// <summary>A second client process.</summary>
internal static class WorkerProcess
{
    private static readonly string Assembly =
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory.Replace("ShardedCache.Farm.Tests", "ShardedCache.Farm.Worker"), "ShardedCache.Farm.Worker.dll"));

    public static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo("dotnet", [Assembly, .. arguments]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;

    public static async Task<string> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }
}
