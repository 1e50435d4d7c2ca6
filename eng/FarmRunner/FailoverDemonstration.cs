using System.Diagnostics;
using ShardedCache.Testing;

namespace FarmRunner;

/// <summary>
/// Stores entries through the web application, then kills a master while it goes on reading and writing all of them, and counts what
/// failed and what was lost.
/// </summary>
internal static class FailoverDemonstration
{
    private const int Entries = 10_000;
    private const int Callers = 16;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>How long the requests go on once the replica was promoted.</summary>
    private static readonly TimeSpan After = TimeSpan.FromSeconds(1);

    public static async Task<bool> RunAsync(RedisFarm farm, WebFarmSite site, CancellationToken cancellationToken)
    {
        var visitors = Enumerable.Range(0, Callers).Select(number => new Visitor(site, number, Entries / Callers)).ToArray();
        await Task.WhenAll(visitors.Select(visitor => visitor.StoreAllAsync(Limit, cancellationToken)));
        var unread = (await Task.WhenAll(visitors.Select(visitor => visitor.CountLostAsync(cancellationToken)))).Sum();
        if (unread > 0)
        {
            Console.WriteLine($"FAILED: {unread} of {Entries} entries could not be read back.");
            return false;
        }

        Console.WriteLine($"Stored and read back {Entries} entries:");
        foreach (var shard in visitors.SelectMany(visitor => visitor.Shards).CountBy(name => name).OrderBy(count => count.Key))
        {
            Console.WriteLine($"  {shard.Key}: {shard.Value}");
        }

        return await KillUnderLoadAsync(farm.Shards[0], visitors, cancellationToken);
    }

    private static async Task<bool> KillUnderLoadAsync(RedisFarmShard shard, Visitor[] visitors, CancellationToken cancellationToken)
    {
        var master = await shard.GetMasterAsync(cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var visits = visitors.Select(visitor => visitor.VisitAsync(stop.Token)).ToArray();
        await Task.Delay(After, cancellationToken);

        Console.WriteLine($"Killing the master of {shard.Name}, {master.Host}:{master.Port}, with SIGKILL under load ...");
        var sinceKill = Stopwatch.StartNew();
        master.Kill();
        await shard.WaitForNewMasterAsync(master, Limit, cancellationToken);
        var promoted = sinceKill.Elapsed;
        await Task.Delay(After, cancellationToken);
        await stop.CancelAsync();
        await Task.WhenAll(visits);

        var lost = (await Task.WhenAll(visitors.Select(visitor => visitor.CountLostAsync(cancellationToken)))).Sum();
        var failed = visitors.Sum(visitor => visitor.Failed);
        Console.WriteLine(
            $"Sentinel promoted the replica after {promoted.TotalSeconds:0.00} s. Of {visitors.Sum(visitor => visitor.Requests)} requests meanwhile "
            + $"{failed} failed (slowest: {visitors.Max(visitor => visitor.Slowest).TotalMilliseconds:0} ms); of {visitors.Sum(visitor => visitor.Writes)} writes {lost} were lost.");
        foreach (var failure in visitors.Select(visitor => visitor.FirstFailure).OfType<string>().Take(3))
        {
            Console.WriteLine($"  {failure}");
        }

        return failed == 0 && lost == 0;
    }
}
