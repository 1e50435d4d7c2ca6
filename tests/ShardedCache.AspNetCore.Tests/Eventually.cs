using System.Diagnostics;

namespace ShardedCache.AspNetCore.Tests;

internal static class Eventually
{
    /// <summary>Waits for a condition, with a deadline that is generous because it is only met when something is broken.</summary>
    public static async Task HoldsAsync(Func<Task<bool>> condition, string what, TimeSpan? deadline = null)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < (deadline ?? TimeSpan.FromSeconds(60)), $"Not within {waited.Elapsed.TotalSeconds:0.0} s: {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static Task HoldsAsync(Func<bool> condition, string what, TimeSpan? deadline = null) =>
        HoldsAsync(() => Task.FromResult(condition()), what, deadline);
}
