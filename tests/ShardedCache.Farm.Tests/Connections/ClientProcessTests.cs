using System.Diagnostics;
using System.Globalization;
using ShardedCache.Contract.Connections;

namespace ShardedCache.Farm.Tests.Connections;

/// <summary>What takes a client process of its own: its thread pool is used up, or it is itself stopped.</summary>
public sealed class ClientProcessTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("StackExchange.Redis")]
    [InlineData("Resp")]
    public async Task A_thousand_callers_that_block_are_answered_without_a_thread_of_the_pool(string transport)
    {
        using var worker = WorkerProcess.Start("starve", transport, fixture.Server.Host, $"{fixture.Server.Port}");
        try
        {
            Assert.Equal("starved", await ReadLineAsync(worker));
            Assert.StartsWith("Ok=1000 in", await ReadLineAsync(worker));

            fixture.Server.Pause();
            await worker.StandardInput.WriteLineAsync("go");
            var late = await ReadLineAsync(worker);
            Assert.DoesNotContain("Ok", late);
            Assert.InRange(int.Parse(late.Split(" in ")[1].Split(' ')[0], CultureInfo.InvariantCulture), 900, 4000);
            fixture.Server.Resume();
            await worker.WaitForExitAsync(Cancellation);
        }
        finally
        {
            fixture.Server.Resume();
            worker.Kill();
        }
    }

    [Theory]
    [InlineData("StackExchange.Redis")]
    [InlineData("Resp")]
    public async Task A_client_that_was_itself_stopped_for_5_s_keeps_its_connection(string transport)
    {
        using var worker = WorkerProcess.Start("loop", transport, fixture.Server.Host, $"{fixture.Server.Port}");
        try
        {
            var id = await ReadLineAsync(worker);
            for (var round = 0; round < 2; round++)
            {
                await SignalAsync("-STOP", worker);
                await Task.Delay(TimeSpan.FromSeconds(5), Cancellation);
                await SignalAsync("-CONT", worker);
                var before = await StatusAsync(worker);
                await Task.Delay(1500, Cancellation);
                var after = await StatusAsync(worker);
                Assert.Equal(("open", "open"), (before.State, after.State));
                Assert.True(after.Count > before.Count, $"{after.Count} replies after {before.Count}");
            }

            Assert.Contains($"id={id} ", await fixture.Server.ExecuteAsync("CLIENT", "LIST"));
        }
        finally
        {
            worker.Kill();
        }
    }

    [Theory]
    [InlineData("true", 2)]
    [InlineData("false", 0)]
    public async Task The_threads_that_StackExchange_Redis_has_for_itself_can_be_declined(string wanted, int threads)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Threads are counted by their names in /proc.");
        var count = await WorkerProcess.RunAsync("threads", "StackExchange.Redis", fixture.Server.Host, $"{fixture.Server.Port}", wanted);
        Assert.Equal($"{threads}", count);
    }

    private static async Task<(string State, int Count)> StatusAsync(Process worker)
    {
        await worker.StandardInput.WriteLineAsync("status");
        return (await ReadLineAsync(worker)).Split(' ') is [var state, var count] ? (state, int.Parse(count, CultureInfo.InvariantCulture)) : default;
    }

    private static async Task<string> ReadLineAsync(Process worker) =>
        await worker.StandardOutput.ReadLineAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancellation) ?? "the worker has ended";

    private static async Task SignalAsync(string signal, Process worker)
    {
        using var kill = Process.Start("kill", [signal, $"{worker.Id}"]);
        await kill.WaitForExitAsync(Cancellation);
        Assert.Equal(0, kill.ExitCode);
    }
}
