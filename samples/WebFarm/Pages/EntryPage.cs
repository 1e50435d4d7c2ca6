using System.Text;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Caching.Distributed;
using ShardedCache;

namespace WebFarm.Pages;

/// <summary>One entry of the cache, and the shard that its key names.</summary>
internal static class EntryPage
{
    private static readonly DistributedCacheEntryOptions Expiration = new() { SlidingExpiration = TimeSpan.FromMinutes(20) };

    public static void MapEntryPage(this WebApplication app)
    {
        app.MapGet("/entry", async (PageRenderer renderer, IShardedCache cache, CancellationToken cancellationToken, string key = "user:42") =>
        {
            if (key.Length == 0)
            {
                return Results.LocalRedirect("/entry");
            }

            var value = await cache.GetStringAsync(key, cancellationToken);
            return renderer.Page(
                "/entry",
                "Entry",
                $"""
                <form method="get" action="/entry" class="row">
                  <label for="key">Key</label><input id="key" name="key" value="{PageRenderer.Text(key)}" required>
                  <button id="find">Find</button>
                </form>
                <dl>
                  <dt>Shard</dt><dd id="shard">{PageRenderer.Text(cache.GetShard(key))}</dd>
                  <dt>Value</dt><dd id="value">{(value is null ? "<i>none</i>" : PageRenderer.Text(value))}</dd>
                </dl>
                <form method="post" action="/entry" class="row">
                  {renderer.AntiforgeryField()}
                  <input type="hidden" name="key" value="{PageRenderer.Text(key)}">
                  <label for="new">Value</label><input id="new" name="value" value="{PageRenderer.Text(value ?? "hello")}">
                  <button id="store" name="action" value="store">Store</button>
                  <button id="remove" name="action" value="remove" class="quiet">Remove</button>
                </form>
                """);
        });

        app.MapPost("/entry", async (
            [FromForm] string key, [FromForm] string action, IDistributedCache cache, CancellationToken cancellationToken, [FromForm] string value = "") =>
        {
            if (action == "remove")
            {
                await cache.RemoveAsync(key, cancellationToken);
            }
            else
            {
                await cache.SetAsync(key, Encoding.UTF8.GetBytes(value), Expiration, cancellationToken);
            }

            return Results.LocalRedirect($"/entry?key={Uri.EscapeDataString(key)}");
        });
    }
}
