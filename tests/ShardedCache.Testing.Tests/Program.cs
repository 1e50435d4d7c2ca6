using ShardedCache.Testing;
using ShardedCache.Testing.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// Most of the time is spent waiting for Sentinels.
[assembly: Xunit.v3.Parallelization(MaxThreads = 6)]

if (args is not [HostProcess.Argument])
{
    return args.Any(static argument => argument is "--server" or "--internal-msbuild-node")
        ? await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
        : await ConsoleRunner.Run(args);
}

// The host of the crash test: a farm in use, and nobody who would dispose of it.
var farm = await RedisFarm.StartAsync(new RedisFarmOptions { Shards = 1 });
farm.Shards[0].InitialMaster.Pause();
Console.WriteLine(farm.Directory);
foreach (var process in farm.Shards[0].Servers.Concat(farm.Sentinels))
{
    Console.WriteLine(process.ProcessId);
}

Console.WriteLine(HostProcess.EndOfReport);
await Task.Delay(Timeout.Infinite);
return 0;
