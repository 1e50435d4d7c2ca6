using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace WebFarm;

/// <summary>This instance's name, as its pages show it: <c>Instance</c> of the configuration or, without one, its address.</summary>
internal sealed class Instance(IConfiguration configuration, IServer server)
{
    public string Name => configuration["Instance"]
        ?? server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault()
        ?? Environment.MachineName;
}
