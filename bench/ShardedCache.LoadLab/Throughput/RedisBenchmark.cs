using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>What the servers' own tool, in C, makes of them: the bar. It has one server, GET and SET, and fixed bytes.</summary>
internal static partial class RedisBenchmark
{
    public static bool Has(Cell cell, int pipeline) => cell is { Op: "get-buffer" or "set-buffer", Shards: 1 } && cell.InFlight % pipeline == 0;

    /// <summary>A GET is to find a value.</summary>
    public static Task FillAsync(Cell cell, int port) => RunAsync("set", cell.Payload, port, connections: 4, pipeline: 16, requests: 100_000);

    public static async Task<Figures> RunAsync(Cell cell, int port, int pipeline, TimeSpan duration, double expectedOpsPerSecond)
    {
        var requests = Math.Max(1000, (int)(expectedOpsPerSecond * duration.TotalSeconds));
        var before = ChildrenCpu();
        var output = await RunAsync(cell.Op == "set-buffer" ? "set" : "get", cell.Payload, port, cell.InFlight / pipeline, pipeline, requests);

        // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
        var values = output.Split('\n').Last(static line => line.StartsWith("\"GET\"", StringComparison.Ordinal) || line.StartsWith("\"SET\"", StringComparison.Ordinal))
            .Split(',').Select(static value => value.Trim('"', '\r')).ToArray();
        double Number(int at) => double.Parse(values[at], CultureInfo.InvariantCulture);
        return new Figures(Number(1), Number(4) * 1000, Number(6) * 1000, 0, (ChildrenCpu() - before) / requests, 0, null);
    }

    private static async Task<string> RunAsync(string test, int payload, int port, int connections, int pipeline, int requests)
    {
        string[] arguments =
        [
            "-p", Text(port), "-t", test, "-d", Text(payload), "-c", Text(connections), "-P", Text(pipeline), "-n", Text(requests), "-r", "10000", "--csv",
        ];
        using var process = Process.Start(new ProcessStartInfo("redis-benchmark", arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output;
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Microseconds of all children that have ended.</summary>
    private static double ChildrenCpu()
    {
        const int children = -1;
        return GetUsage(children, out var usage) == 0 ? usage.Seconds : 0;
    }

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static partial int GetUsage(int who, out Usage usage);

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Usage
    {
        private readonly long _userSeconds;
        private readonly long _userMicroseconds;
        private readonly long _systemSeconds;
        private readonly long _systemMicroseconds;
        private fixed long _rest[14];

        public readonly double Seconds => ((_userSeconds + _systemSeconds) * 1e6) + _userMicroseconds + _systemMicroseconds;
    }
}
