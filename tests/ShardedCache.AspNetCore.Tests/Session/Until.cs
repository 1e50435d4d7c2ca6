namespace ShardedCache.AspNetCore.Tests.Session;

internal static class Until
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static Task HoldsAsync(Func<Task<bool>> condition, string what) => Eventually.HoldsAsync(condition, what, Deadline);

    public static Task HoldsAsync(Func<bool> condition, string what) => Eventually.HoldsAsync(condition, what, Deadline);
}
