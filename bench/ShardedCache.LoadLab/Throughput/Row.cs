using System.Globalization;
using System.Text.Json.Serialization;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>Medians of a subject's rounds in one cell.</summary>
internal sealed record Row(
    [property: JsonPropertyName("subject")] string Subject,
    [property: JsonPropertyName("op")] string Op,
    [property: JsonPropertyName("payload")] int Payload,
    [property: JsonPropertyName("inflight")] int InFlight,
    [property: JsonPropertyName("shards")] int Shards,
    [property: JsonPropertyName("ops_per_s")] double OpsPerSecond,
    [property: JsonPropertyName("p50_us")] double P50,
    [property: JsonPropertyName("p99_us")] double P99,
    [property: JsonPropertyName("p999_us")] double P999,
    [property: JsonPropertyName("client_cpu_us")] double ClientCpu,
    [property: JsonPropertyName("server_cpu_us")] double ServerCpu,
    [property: JsonPropertyName("alloc_bytes")] double? AllocatedBytes)
{
    public static Row Of(string subject, Cell cell, IReadOnlyList<Figures> rounds) => new(
        subject, cell.Op, cell.Payload, cell.InFlight, cell.Shards,
        Math.Round(Median(rounds, static round => round.OpsPerSecond)),
        Math.Round(Median(rounds, static round => round.P50), 1),
        Math.Round(Median(rounds, static round => round.P99), 1),
        Math.Round(Median(rounds, static round => round.P999), 1),
        Math.Round(Median(rounds, static round => round.ClientCpu), 2),
        Math.Round(Median(rounds, static round => round.ServerCpu), 2),
        rounds.Any(static round => round.AllocatedBytes is null) ? null : Math.Round(Median(rounds, static round => round.AllocatedBytes!.Value), 1));

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Op,-12} {Payload,6} B {InFlight,5} in flight {Shards} shards  {Subject,-20} {OpsPerSecond,9:0}/s  p50 {P50,7:0.0}  p99 {P99,8:0.0}  p99.9 {P999,8:0.0} us  client {ClientCpu,6:0.00}  server {ServerCpu,5:0.00} us/op  {AllocatedBytes,7:0.0} B/op");

    private static double Median(IReadOnlyList<Figures> rounds, Func<Figures, double> figure) => rounds.Select(figure).Order().ElementAt(rounds.Count / 2);
}
