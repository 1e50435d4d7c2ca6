using System.Globalization;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>
/// Whether the cache over its own wire still keeps up with <c>redis-benchmark</c>, which ran in turn with it on the same machine. A
/// floor lies about a third below what a quiet machine shows: it tells a regression from noise.
/// </summary>
internal static class CheckCommand
{
    private static readonly (string Op, int InFlight, double Floor)[] Floors =
    [
        ("get-buffer", 64, 0.5),
        ("set-buffer", 64, 0.45),
        ("get-buffer", 256, 0.55),
        ("set-buffer", 256, 0.45),
    ];

    public static async Task<int> RunAsync()
    {
        var rows = await ThroughputCommand.MeasureAsync(Selection.Check);
        var failed = 0;
        foreach (var (op, inFlight, floor) in Floors)
        {
            double Of(string subject) => rows.Single(row => row.Op == op && row.InFlight == inFlight && row.Subject == subject).OpsPerSecond;

            var ratio = Of("sharded-resp") / Of("redis-benchmark-p16");
            var holds = ratio >= floor;
            failed += holds ? 0 : 1;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{op,-12} {inFlight,5} in flight  {ratio:0.00} of redis-benchmark -P 16, floor {floor:0.00}  {(holds ? "holds" : "FAILED")}"));
        }

        return failed == 0 ? 0 : 1;
    }
}
