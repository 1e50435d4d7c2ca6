using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using ShardedCache.Tests.Architecture;

namespace ShardedCache.Tests.Sharding;

/// <summary>A program in another language, written from docs/sharding-rule.md alone: the page is complete, and the vectors follow from it.</summary>
public sealed class SecondImplementationTests
{
    private const int FileNotFound = 2;

    [Fact]
    public async Task A_second_implementation_reproduces_every_golden_vector()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var python = StartPython(Path.Combine(Repository.Root, "tests", "sharding-rule", "check_vectors.py"));
        var errors = python.StandardError.ReadToEndAsync(cancellation);
        var output = await python.StandardOutput.ReadToEndAsync(cancellation);
        await python.WaitForExitAsync(cancellation);

        Assert.True(python.ExitCode == 0, output + await errors);
        var routes = Regex.Match(output, @"vectors reproduced \(.*\b(\d+) routes\)").Groups[1].Value;
        Assert.InRange(int.Parse(routes, CultureInfo.InvariantCulture), 50, int.MaxValue);
    }

    private static Process StartPython(string script)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("python3", [script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception exception) when (exception.NativeErrorCode == FileNotFound)
        {
            Assert.Skip("python3 is not on the PATH; test.sh installs it.");
            throw;
        }
    }
}
