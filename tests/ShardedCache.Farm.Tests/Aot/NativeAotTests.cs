using System.Diagnostics;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests.Aot;

/// <summary>An application compiled ahead of time. Publishing takes about a minute on two cores, the first time.</summary>
public class NativeAotTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_program_compiled_ahead_of_time_has_no_trim_or_AOT_warning_and_works_against_real_servers()
    {
        Assert.SkipUnless(HasToolchain(), "Native AOT needs a linker driver: neither clang nor gcc is on the path.");
        var output = Directory.CreateTempSubdirectory("shardedcache-aot-");
        try
        {
            var (published, log) = await RunAsync(
                "dotnet", "publish", Path.Combine(FindRoot(), "tests", "ShardedCache.AotApp"), "-c", "Release", "-o", output.FullName, "--nologo", "-nodeReuse:false");
            Assert.DoesNotMatch(@"\bIL[23]\d{3}\b", log);
            Assert.True(published == 0, log);

            await using var farm = await RedisFarm.StartAsync(new RedisFarmOptions { ReplicasPerShard = 0, Sentinels = 0 }, Cancellation);
            foreach (var transport in Enum.GetValues<ShardTransport>())
            {
                var (result, said) = await RunAsync(Path.Combine(output.FullName, "ShardedCache.AotApp"), $"{farm.ConnectionString},transport={transport}");
                Assert.Equal("ok", said.Trim());
                Assert.Equal(0, result);
            }
        }
        finally
        {
            output.Delete(recursive: true);
        }
    }

    private static bool HasToolchain() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder =>
            File.Exists(Path.Combine(folder, "clang")) || File.Exists(Path.Combine(folder, "gcc")));

    private static async Task<(int ExitCode, string Output)> RunAsync(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(Cancellation), process.StandardError.ReadToEndAsync(Cancellation));
            await process.WaitForExitAsync(Cancellation);
            return (process.ExitCode, await output + await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ShardedCache.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("This test must run from inside the repository.");
        }

        return folder;
    }
}
