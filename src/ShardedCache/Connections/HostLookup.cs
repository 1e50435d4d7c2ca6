using System.Net;
using System.Net.Sockets;

namespace ShardedCache.Connections;

/// <summary>The addresses of a host, from the system's resolver.</summary>
/// <param name="ask">In place of that resolver.</param>
internal sealed class HostLookup(Func<string, Task<IPAddress[]>> ask)
{
    public static HostLookup Default { get; } = new(Dns.GetHostAddressesAsync);

    /// <summary>At least one, or a <see cref="SocketException"/>.</summary>
    public async Task<IPAddress[]> FindAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            return [address];
        }

        // A resolver that is silent is asked for many seconds, whatever token it is given: who gives up leaves it behind.
        var asking = ask(host);
        _ = asking.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        var addresses = await asking.WaitAsync(cancellationToken).ConfigureAwait(false);
        return addresses.Length > 0 ? addresses : throw new SocketException((int)SocketError.HostNotFound);
    }
}
