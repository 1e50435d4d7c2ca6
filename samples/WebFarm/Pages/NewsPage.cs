using Microsoft.AspNetCore.OutputCaching;

namespace WebFarm.Pages;

/// <summary>A page that is kept in the output cache under a tag.</summary>
internal static class NewsPage
{
    private const string Tag = "news";

    public static void MapNewsPage(this WebApplication app)
    {
        app.MapGet("/news", (PageRenderer renderer) => renderer.Page(
            "/news",
            "Output cache",
            $"""
            <p class="lead">This page was rendered once. Every instance serves this copy, for five minutes or until its tag is evicted.</p>
            <p class="figure" id="edition">{Guid.NewGuid().ToString("N")[..8]}</p>
            <form method="post" action="/news/evict"><button id="evict">Evict the tag “{Tag}”</button></form>
            """)).CacheOutput(static policy => policy
                .Tag(Tag)
                .Expire(TimeSpan.FromMinutes(5))
                .SetVaryByHost(false)); // Instances that are visited without a load balancer have hosts of their own.

        // A cached page is the same for all, so it cannot hold anybody's antiforgery token; and to render it anew harms nobody.
        app.MapPost("/news/evict", async (IOutputCacheStore store, CancellationToken cancellationToken) =>
        {
            await store.EvictByTagAsync(Tag, cancellationToken);
            return Results.LocalRedirect("/news");
        }).DisableAntiforgery();
    }
}
