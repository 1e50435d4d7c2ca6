using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ShardedCache.Connections;

/// <summary>Host and port of one server, as written: never resolved here, compared without case.</summary>
internal sealed record ServerAddress(string Host, int Port)
{
    public bool Equals(ServerAddress? other) =>
        Port == other?.Port && string.Equals(Host, other.Host, StringComparison.OrdinalIgnoreCase);

    public override int GetHashCode() =>
        HashCode.Combine(Port, StringComparer.OrdinalIgnoreCase.GetHashCode(Host));

    /// <summary>Parses <c>host:port</c>, <c>host</c>, <c>[::1]:port</c> or <c>[::1]</c>.</summary>
    public static bool TryParse(string text, int defaultPort, [NotNullWhen(true)] out ServerAddress? address)
    {
        address = null;
        var host = text;
        var port = defaultPort;
        var portAt = text.LastIndexOf(':');
        var bracketEnd = text.LastIndexOf(']');
        var isBareIpV6 = bracketEnd < 0 && text.AsSpan().Count(':') > 1;
        if (portAt > bracketEnd && !isBareIpV6)
        {
            host = text[..portAt];
            if (!int.TryParse(text.AsSpan(portAt + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port))
            {
                return false;
            }
        }

        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }

        if (host.Length == 0 || port is < 1 or > 65535 || host.AsSpan().ContainsAny(" \t[]=,"))
        {
            return false;
        }

        address = new ServerAddress(host, port);
        return true;
    }

    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
