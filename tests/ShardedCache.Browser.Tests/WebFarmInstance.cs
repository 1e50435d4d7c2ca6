using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using ShardedCache.Testing;

namespace ShardedCache.Browser.Tests;

/// <summary>One instance of the sample, listening on a port of loopback.</summary>
internal sealed class WebFarmInstance : WebApplicationFactory<Program>
{
    private readonly RedisFarm _farm;
    private readonly string _name;
    private readonly string _keys;

    public WebFarmInstance(RedisFarm farm, string name, string keys)
    {
        (_farm, _name, _keys) = (farm, name, keys);
        UseKestrel(0);
        StartServer();
    }

    public Uri Url(string path) => new(ClientOptions.BaseAddress, path);

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("ConnectionStrings:ShardedRedis", _farm.ConnectionString);
        builder.UseSetting("Instance", _name);
        builder.UseSetting("DataProtection:KeysFolder", _keys);
        builder.UseSetting("Logging:LogLevel:Default", "Error");
    }
}
