using System.Diagnostics;
using ShardedCache.Testing;

namespace ShardedCache.Farm.Tests;

internal static class Eventually
{
    /// <summary>
    /// Waits for a condition, with a deadline that is generous because it is only met when something is broken. A server that cannot be
    /// asked is asked again: one that changes its role closes its connections.
    /// </summary>
    public static async Task HoldsAsync(Func<Task<bool>> condition, string what, TimeSpan? deadline = null)
    {
        var patience = deadline ?? TimeSpan.FromSeconds(20);
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (RedisFarmException) when (waited.Elapsed < patience)
            {
            }

            Assert.True(waited.Elapsed < patience, $"Not within {waited.Elapsed.TotalSeconds:0.0} s: {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static Task HoldsAsync(Func<bool> condition, string what, TimeSpan? deadline = null) =>
        HoldsAsync(() => Task.FromResult(condition()), what, deadline);

    /// <summary>Repeats an operation until its shard answers; past the deadline its own exception says why it doesn't.</summary>
    public static async Task<T> AnswersAsync<T>(Func<Task<T>> operation, TimeSpan? deadline = null)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await operation();
            }
            catch (ShardUnavailableException) when (waited.Elapsed < (deadline ?? TimeSpan.FromSeconds(20)))
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }
    }
}
