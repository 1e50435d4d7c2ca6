using System.Diagnostics;
using System.Globalization;

namespace ShardedCache.Testing.Tests;

/// <summary>This test program once more, as a process of its own that starts a farm.</summary>
internal sealed class HostProcess : IDisposable
{
    public const string Argument = "--start-a-farm-and-wait";
    public const string EndOfReport = "started";

    private readonly Process _process;

    private HostProcess(Process process, string farmDirectory, IReadOnlyList<int> farmProcesses)
    {
        _process = process;
        FarmDirectory = farmDirectory;
        FarmProcesses = farmProcesses;
    }

    public string FarmDirectory { get; }

    public IReadOnlyList<int> FarmProcesses { get; }

    public static async Task<HostProcess> StartAsync(CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add(typeof(HostProcess).Assembly.Location);
        start.ArgumentList.Add(Argument);
        var process = Process.Start(start)!;
        List<string> lines = [];
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line && line != EndOfReport)
        {
            lines.Add(line);
        }

        return new HostProcess(process, lines[0], [.. lines.Skip(1).Select(id => int.Parse(id, CultureInfo.InvariantCulture))]);
    }

    /// <summary>SIGKILL: no finally block, no exit handler.</summary>
    public async Task CrashAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
    }
}
