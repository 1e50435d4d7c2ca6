using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>A subject in a process of its own, connected once for all of its rounds.</summary>
internal sealed class SubjectProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // In the first second or two of an operation the runtime compiles it once more for what it has seen, whoever's it is.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2.5);

    private readonly Process _process;
    private readonly HashSet<string> _warm = [];

    private SubjectProcess(string name, Process process) => (Name, _process) = (name, process);

    public string Name { get; }

    public IReadOnlyList<string> Operations { get; private set; } = [];

    public static async Task<SubjectProcess> StartAsync(string name, string assembly, params string[] arguments)
    {
        var start = HostOf(assembly, arguments);
        start.RedirectStandardInput = true;

        // All subjects by the same rules, whatever their own programs ask for.
        start.Environment["DOTNET_TieredPGO"] = "1";
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_gcConcurrent"] = "1";
        var subject = new SubjectProcess(name, Process.Start(start)!);
        subject.Operations = JsonSerializer.Deserialize<string[]>(await subject.ReadLineAsync())!;
        return subject;
    }

    /// <summary>How a program of this lab is started, its output to be read.</summary>
    public static ProcessStartInfo HostOf(string assembly, params string[] arguments)
    {
        // Whether this process was started by the host or is an executable of its own: the runtime lies three folders below the host.
        var host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        return new ProcessStartInfo(host, [assembly, .. arguments]) { RedirectStandardOutput = true };
    }

    public async Task WarmUpAsync(Cell cell)
    {
        if (_warm.Add(cell.Op))
        {
            await RunAsync(cell, WarmUp);
        }
    }

    public async Task<Figures> RunAsync(Cell cell, TimeSpan duration)
    {
        await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(new Order(cell, duration)));
        await _process.StandardInput.FlushAsync();
        return JsonSerializer.Deserialize<Figures>(await ReadLineAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience) ?? throw new LabException($"The process of {Name} has ended: what it said is above.");
}
