using System.Globalization;
using ShardedCache.LoadLab.Cost;
using ShardedCache.LoadLab.Eviction;
using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.Start;
using ShardedCache.LoadLab.Throughput;
using ShardedCache.LoadLab.Workers;

return args switch
{
    ["failover", .. var rest] => await FailoverCommand.RunAsync(rest),

    ["cost"] => await CostCommand.RunAsync(rounds: 1000),

    ["cost", "--rounds", var rounds] => await CostCommand.RunAsync(int.Parse(rounds, CultureInfo.InvariantCulture)),

    ["evict"] => await EvictCommand.RunAsync(1_000_000),

    ["evict", "--pages", var pages] => await EvictCommand.RunAsync(int.Parse(pages, CultureInfo.InvariantCulture)),

    ["throughput", .. var rest] => await ThroughputCommand.RunAsync(rest),

    ["start"] => await StartCommand.RunAsync(TimeSpan.FromSeconds(10)),

    ["start", "--idle", var seconds] => await StartCommand.RunAsync(TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture))),

    // A process of a run; "start" starts it.
    ["start-worker", var name, var configuration, var idle] =>
        await StartCommand.RunWorkerAsync(name, configuration, int.Parse(idle, CultureInfo.InvariantCulture)),

    ["check"] => await CheckCommand.RunAsync(),

    // A subject of a run; "throughput" starts it.
    ["throughput-worker", var name, var configuration] => await Subjects.RunWorkerAsync(name, configuration),

    // A client process of a run; "failover" starts it.
    ["worker", var settings] => await WorkerCommand.RunAsync(settings),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: failover --scenario NAME[,NAME...]|all [--seconds N] [--mode LocalTier|Bypass|Throw] [--transport StackExchangeRedis|Resp] [--rate N|auto] [--seed N] [--runs N] [--report-latency|--strict-latency] [--json FILE]");
    Console.Error.WriteLine("       failover --list");
    Console.Error.WriteLine("       cost [--rounds N]");
    Console.Error.WriteLine("       evict [--pages N]");
    Console.Error.WriteLine("       throughput [--quick] [--json FILE] ...");
    Console.Error.WriteLine("       check");
    Console.Error.WriteLine("       start [--idle SECONDS]");
    return 2;
}
