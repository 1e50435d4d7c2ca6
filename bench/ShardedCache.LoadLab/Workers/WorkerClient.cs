using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>A worker, as the orchestrator sees it.</summary>
internal sealed class WorkerClient : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly SemaphoreSlim _gate = new(1);

    private WorkerClient(WorkerSettings settings, Process process) => (Settings, _process) = (settings, process);

    public WorkerSettings Settings { get; }

    /// <summary>The keys of its probes, by shard.</summary>
    public IReadOnlyList<string> ProbeKeys { get; private set; } = [];

    /// <summary>What it wrote to its standard error: an exception that ended it.</summary>
    public string Errors => string.Join(Environment.NewLine, _errors);

    public static async Task<WorkerClient> StartAsync(WorkerSettings settings, string? networkNamespace, CancellationToken cancellationToken)
    {
        string[] command = ["dotnet", typeof(WorkerClient).Assembly.Location, "worker", settings.ToJson()];
        command = networkNamespace is null ? command : ["ip", "netns", "exec", networkNamespace, .. command];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start.");
        var worker = new WorkerClient(settings, process);
        process.ErrorDataReceived += (_, args) => worker._errors.Enqueue(args.Data ?? "");
        process.BeginErrorReadLine();
        worker.ProbeKeys = JsonSerializer.Deserialize<string[]>(await worker.ReadLineAsync(TimeSpan.FromSeconds(30), cancellationToken)) ?? [];
        return worker;
    }

    public async Task<string> AskAsync(string command, TimeSpan? patience = null, CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await _process.StandardInput.WriteLineAsync(command.AsMemory(), cancellationToken);
            await _process.StandardInput.FlushAsync(cancellationToken);
            return await ReadLineAsync(patience ?? TimeSpan.FromSeconds(60), cancellationToken);
        }
        catch (IOException)
        {
            throw new LabException($"Worker {Settings.Process} has ended. {Errors}");
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task<WorkerStatistics> StatisticsAsync() =>
        JsonSerializer.Deserialize<WorkerStatistics>(await AskAsync("statistics")) ?? throw new LabException("no statistics");

    /// <summary>SIGSTOP.</summary>
    public void Pause() => Signal("STOP");

    /// <summary>SIGCONT.</summary>
    public void Resume() => Signal("CONT");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // Also one that is stopped.
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        _gate.Dispose();
    }

    private void Signal(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    private async Task<string> ReadLineAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            return await _process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(patience, cancellationToken)
                ?? throw new LabException($"Worker {Settings.Process} has ended. {Errors}");
        }
        catch (TimeoutException)
        {
            throw new LabException($"Worker {Settings.Process} did not answer within {Ticks.Milliseconds(Ticks.Of(patience)):0} ms.");
        }
    }
}
