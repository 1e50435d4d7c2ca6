using System.Runtime.InteropServices;
using FarmRunner;
using ShardedCache.Testing;

if (args is not [var webFarm, var contentRoot, .. var switches] || switches.Except(["--once"]).Any())
{
    Console.Error.WriteLine("usage: FarmRunner <WebFarm.dll> <its content root> [--once]");
    return 2;
}

using var stopping = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    var shards = Math.Max(2, Environment.ProcessorCount);
    Console.WriteLine($"Starting {shards} shards (a master and a replica each) and 3 Sentinels on loopback ...");
    await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = shards }, stopping.Token);
    await using var site = await WebFarmSite.StartAsync(webFarm, contentRoot, farm, "one", stopping.Token);
    if (switches.Contains("--once"))
    {
        return await FailoverDemonstration.RunAsync(farm, site, stopping.Token) ? 0 : 1;
    }

    await using var other = await WebFarmSite.StartAsync(webFarm, contentRoot, farm, "two", stopping.Token);
    var home = farm.Shard(await site.ShardOfAsync("greeting", stopping.Token));
    Console.WriteLine(
        $"""

        The web farm is ready, in two instances: {site.Url} and {other.Url}

        Pages, which both instances share
          {site.Url}session    a counter in the session
          {site.Url}news       rendered once for both, until its tag is evicted
          {site.Url}entry      an entry, and the shard that its key names
          {site.Url}health     which shards are up

        Try
          curl -X PUT --data 'hello' {site.Url}entries/greeting
          curl -i {other.Url}entries/greeting
          kill -9 {home.InitialMaster.ProcessId}      # the master of {home.Name}, where it is; read and write on meanwhile

        Connection string
          {farm.ConnectionString}

        Ctrl-C stops everything.
        """);
    await Task.Delay(Timeout.Infinite, stopping.Token);
    return 0;
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    Console.WriteLine("Stopped.");
    return 0;
}
catch (Exception exception) when (exception is RedisFarmException or HttpRequestException)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stopping.Cancel();
}
