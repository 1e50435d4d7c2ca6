using ShardedCache;

namespace WebFarm;

/// <summary>
/// What a visitor sees where the cache can't answer: never because of a failover, but where it is configured wrongly (a password, the
/// rights of its user), 503 with the shard's name.
/// </summary>
internal static class ShardFailures
{
    public static void UseShardFailures(this WebApplication app) => app.Use(async (context, next) =>
    {
        try
        {
            await next(context);
        }
        catch (ShardUnavailableException exception) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "1";
            await context.Response.WriteAsJsonAsync(new { exception.Shard, exception.Reason });
        }
        catch (ArgumentException exception) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsJsonAsync(new { exception.Message });
        }
    });
}
