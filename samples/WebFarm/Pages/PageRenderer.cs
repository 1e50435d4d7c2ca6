using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Antiforgery;

namespace WebFarm.Pages;

/// <summary>Puts a page's content into the frame that all pages share.</summary>
internal sealed class PageRenderer(Instance instance, IAntiforgery antiforgery, IHttpContextAccessor accessor)
{
    private static readonly (string Path, string Title)[] Menu = [("/", "Start"), ("/session", "Session"), ("/news", "Output cache"), ("/entry", "Entry"), ("/health", "Health")];

    /// <param name="path">Of the page, as in the menu.</param>
    /// <param name="title">Text.</param>
    /// <param name="content">HTML, in which all that came from outside is encoded.</param>
    public IResult Page(string path, string title, string content)
    {
        var menu = string.Concat(Menu.Select(item => $"<a href=\"{item.Path}\"{(item.Path == path ? " aria-current=\"page\"" : "")}>{item.Title}</a>"));
        return Results.Content(
            $"""
            <!doctype html>
            <html lang="en">
            <head>
              <meta charset="utf-8">
              <meta name="viewport" content="width=device-width, initial-scale=1">
              <title>{Text(title)} · ShardedCache web farm</title>
              <link rel="stylesheet" href="/site.css">
              <link rel="icon" href="data:,">
            </head>
            <body>
              <header><strong>ShardedCache</strong><nav>{menu}</nav></header>
              <main>
                <h1>{Text(title)}</h1>
                {content}
              </main>
              <footer>Rendered by <b id="instance">{Text(instance.Name)}</b> at <time id="rendered">{Now()}</time></footer>
            </body>
            </html>
            """,
            "text/html; charset=utf-8");
    }

    /// <summary>A hidden field that the forms of one visitor need: any instance accepts what another has given out.</summary>
    public string AntiforgeryField()
    {
        var tokens = antiforgery.GetAndStoreTokens(accessor.HttpContext!);
        return $"""<input type="hidden" name="{tokens.FormFieldName}" value="{tokens.RequestToken}">""";
    }

    public static string Text(string? text) => WebUtility.HtmlEncode(text ?? string.Empty);

    private static string Now() => DateTime.UtcNow.ToString("HH:mm:ss.fff 'UTC'", CultureInfo.InvariantCulture);
}
