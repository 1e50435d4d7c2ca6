using Microsoft.AspNetCore.Mvc;

namespace WebFarm.Pages;

/// <summary>A counter in the visitor's session.</summary>
internal static class SessionPage
{
    private const string Counter = "counter";

    public static void MapSessionPage(this WebApplication app)
    {
        app.MapGet("/session", async (HttpContext context, PageRenderer renderer) =>
        {
            await context.Session.LoadAsync(context.RequestAborted);
            return renderer.Page(
                "/session",
                "Session",
                $"""
                <p class="lead">You have counted to</p>
                <p class="figure" id="count">{context.Session.GetInt32(Counter) ?? 0}</p>
                <form method="post" action="/session">
                  {renderer.AntiforgeryField()}
                  <button id="increment" name="step" value="1">Count on</button>
                  <button id="clear" name="step" value="0" class="quiet">Begin again</button>
                </form>
                """);
        });

        app.MapPost("/session", async (HttpContext context, [FromForm] int step) =>
        {
            // Asynchronously, before the session is used: it would otherwise be loaded by a thread that waits.
            await context.Session.LoadAsync(context.RequestAborted);
            if (step == 0)
            {
                context.Session.Clear();
            }
            else
            {
                context.Session.SetInt32(Counter, (context.Session.GetInt32(Counter) ?? 0) + step);
            }

            return Results.LocalRedirect("/session");
        });
    }
}
