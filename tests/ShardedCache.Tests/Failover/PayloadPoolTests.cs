using ShardedCache.Failover;

namespace ShardedCache.Tests.Failover;

public class PayloadPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    public void An_array_is_long_enough_and_nobody_else_s_until_it_is_returned(int length)
    {
        var (first, second) = (PayloadPool.Rent(length), PayloadPool.Rent(length));

        Assert.InRange(first.Length, length, Math.Max(64, 2 * length));
        Assert.NotSame(first, second);
        PayloadPool.Return(first, length);
        PayloadPool.Return(second, length);
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(262_144)]
    public void Arrays_that_were_returned_are_used_again(int length)
    {
        var first = Enumerable.Range(0, 20).Select(_ => PayloadPool.Rent(length)).ToList();
        first.ForEach(array => PayloadPool.Return(array, length));
        var before = GC.GetAllocatedBytesForCurrentThread();

        var again = Enumerable.Range(0, 20).Select(_ => PayloadPool.Rent(length)).ToArray();

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20 * 512);
        Assert.All(again, array => PayloadPool.Return(array, length));
    }

    [Fact]
    public void Large_arrays_of_a_size_that_is_no_longer_asked_for_give_way()
    {
        const int Before = 1 << 20;
        const int Now = 1 << 17;
        var before = Enumerable.Range(0, 80).Select(static _ => PayloadPool.Rent(Before)).ToList();
        before.ForEach(static array => PayloadPool.Return(array, Before));
        var first = Enumerable.Range(0, 40).Select(static _ => PayloadPool.Rent(Now)).ToList();
        first.ForEach(static array => PayloadPool.Return(array, Now));

        var again = Enumerable.Range(0, 40).Select(static _ => PayloadPool.Rent(Now)).ToList();

        // Other tests use the pool, too.
        Assert.InRange(first.Intersect(again).Count(), 30, 40);
        again.ForEach(static array => PayloadPool.Return(array, Now));
    }
}
