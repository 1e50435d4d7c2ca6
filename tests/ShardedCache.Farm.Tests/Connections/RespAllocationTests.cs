using System.Globalization;
using ShardedCache.Contract.Connections;

namespace ShardedCache.Farm.Tests.Connections;

public sealed class RespAllocationTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task Our_own_wire_allocates_nothing_per_operation_at_any_concurrency()
    {
        var lines = (await WorkerProcess.RunAsync("allocate-resp", fixture.Server.Host, $"{fixture.Server.Port}")).Split('\n');
        Assert.Equal(7, lines.Length);
        foreach (var line in lines)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(line);
            var figures = line.Split(' ');
            var (callers, right, bytes) = (Number(figures[1]), Number(figures[2]), Number(figures[3]));
            Assert.True(right >= 50_000 - callers, line);

            // Each caller's own loop allocates a little once, and so does the pool for its threads; nothing grows with the operations.
            Assert.InRange(bytes, 0, (callers * 2_000) + 300_000);
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
