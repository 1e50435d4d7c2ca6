using System.Globalization;

namespace ShardedCache.Farm.Tests.Connections;

public sealed class SeamAllocationTests
{
    [Fact]
    public async Task A_transport_can_serve_a_million_hits_through_the_seam_without_allocating()
    {
        var lines = (await WorkerProcess.RunAsync("allocate")).Split('\n');
        Assert.Equal(2, lines.Length);
        foreach (var line in lines)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(line);
            var figures = line.Split(' ');
            Assert.Equal("1000000", figures[1]);

            // What is left is the loop itself and the runtime's housekeeping: less than a tenth of a byte per hit.
            Assert.InRange(long.Parse(figures[2], CultureInfo.InvariantCulture), 0, 100_000);
        }
    }
}
