using System.Net;
using System.Net.Sockets;

namespace ShardedCache.Connections;

/// <summary>The addresses of a host, from the system's resolver.</summary>
/// <param name="ask">In place of that resolver.</param>
internal sealed class HostLookup(Func<string, Task<IPAddress[]>> ask)
{
    private readonly Dictionary<string, Task<IPAddress[]>> _asking = [];

    public static HostLookup Default { get; } = new(Dns.GetHostAddressesAsync);

    /// <summary>At least one, or a <see cref="SocketException"/>.</summary>
    public async Task<IPAddress[]> FindAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            return [address];
        }

        var addresses = await Ask(host).WaitAsync(cancellationToken).ConfigureAwait(false);
        return addresses.Length > 0 ? addresses : throw new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>
    /// A resolver that is silent is asked for many seconds, whatever token it is given: who gives up leaves that behind, and who comes next waits for
    /// the same answer. One question for each would keep as many threads, or a queue that is worked off when nobody wants it any more.
    /// </summary>
    private Task<IPAddress[]> Ask(string host)
    {
        lock (_asking)
        {
            if (!_asking.TryGetValue(host, out var asking))
            {
                _asking[host] = asking = ask(host);
                _ = asking.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            return asking;
        }

        void Forget(Task<IPAddress[]> asked)
        {
            _ = asked.Exception;
            lock (_asking)
            {
                _asking.Remove(host);
            }
        }
    }
}
