using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WebFarm;

/// <summary>The health endpoint's answer: the status, and what each check says.</summary>
internal static class HealthReportText
{
    public static Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        var checks = report.Entries.Select(static entry => $"{entry.Key}: {entry.Value.Status}. {entry.Value.Description}\n");
        return context.Response.WriteAsync($"{report.Status}\n{string.Concat(checks)}", context.RequestAborted);
    }
}
