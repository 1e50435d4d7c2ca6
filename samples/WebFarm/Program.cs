using Microsoft.AspNetCore.DataProtection;
using WebFarm;
using WebFarm.Pages;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddShardedRedisCache();
builder.Services.AddOutputCache();
builder.Services.AddShardedRedisOutputCache();
builder.Services.AddSession(options => options.Cookie.IsEssential = true);
builder.Services.AddShardedRedisSession();
builder.Services.AddHealthChecks().AddShardedRedisCache();
builder.Services.AddAntiforgery();
builder.Services.AddSingleton<Instance>();
builder.Services.AddHttpContextAccessor();
builder.Services.AddScoped<PageRenderer>();

// Session and antiforgery cookies are encrypted: instances can read each other's only with the same keys. These belong on durable storage
// that all instances share; a cache may lose them, and with them every cookie. Without a folder they are where Data Protection puts them: in the
// user's profile, which instances on one machine share, or in memory. In the folder they lie in clear text: beyond a sample, add one of
// ProtectKeysWith…, and options.Cookie.SecurePolicy = CookieSecurePolicy.Always above where the site is served by HTTPS alone.
var keys = builder.Services.AddDataProtection().SetApplicationName("WebFarm");
if (builder.Configuration["DataProtection:KeysFolder"] is { Length: > 0 } folder)
{
    keys.PersistKeysToFileSystem(new DirectoryInfo(folder));
}

var app = builder.Build();
app.UseStaticFiles();
app.UseShardFailures();
app.UseRouting();
app.UseOutputCache();
app.UseSession();
app.UseAntiforgery();

app.MapStartPage();
app.MapSessionPage();
app.MapNewsPage();
app.MapEntryPage();
app.MapEntries();
app.MapHealthChecks("/health", new() { ResponseWriter = HealthReportText.WriteAsync });

app.Run();

/// <summary>Named so that tests can host the application.</summary>
public partial class Program;
