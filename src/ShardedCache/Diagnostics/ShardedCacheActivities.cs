using System.Diagnostics;

namespace ShardedCache.Diagnostics;

/// <summary>One client span per operation, on the source <c>ShardedCache</c>; none where nobody listens. A key is never a tag.</summary>
internal static class ShardedCacheActivities
{
    private static readonly ActivitySource Source = new("ShardedCache");

    public static bool AreObserved => Source.HasListeners();

    public static Activity? Start(string operation, string shard)
    {
        if (!AreObserved)
        {
            return null;
        }

        var activity = Source.StartActivity(operation, ActivityKind.Client);
        activity?.SetTag("db.system.name", "redis");
        activity?.SetTag("shardedcache.shard.name", shard);
        return activity;
    }

    /// <summary>Marks the running operation's span as failed.</summary>
    public static void Fail(string errorType)
    {
        if (Activity.Current is { } activity && activity.Source == Source)
        {
            activity.SetStatus(ActivityStatusCode.Error);
            activity.SetTag("error.type", errorType);
        }
    }
}
