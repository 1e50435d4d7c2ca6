using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace ShardedCache.Connections;

internal enum ServerKind : byte
{
    Redis,
    Sentinel,
}

/// <summary>User and password; both absent where the server asks for none. Never printed.</summary>
internal sealed record Credentials(string? User, string? Password)
{
    public static Credentials None { get; } = new(null, null);

    public override string ToString() => Password is null ? "none" : $"{User ?? "default"}:***";
}

/// <summary>TLS towards a server; the host name that is checked is the address's unless <paramref name="TargetHost"/> names another.</summary>
internal sealed record TlsSettings(
    string? TargetHost = null,
    RemoteCertificateValidationCallback? ServerCertificateValidation = null,
    X509Certificate2? ClientCertificate = null)
{
    /// <summary>The same, with whatever the application's code throws as a handshake that fails.</summary>
    public RemoteCertificateValidationCallback? Validation => ServerCertificateValidation is null ? null : Validate;

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        try
        {
            return ServerCertificateValidation!(sender, certificate, chain, errors);
        }
#pragma warning disable CA1031 // It may be anything.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            throw new AuthenticationException($"{nameof(ServerCertificateValidation)} has thrown {failure.GetType().Name}: {failure.Message}", failure);
        }
    }
}

/// <summary>All that a transport needs to know to open a connection.</summary>
internal sealed record ConnectionSettings
{
    public ServerKind Kind { get; init; }

    /// <summary>Asked at each connect, so that credentials can rotate.</summary>
    public Func<CancellationToken, ValueTask<Credentials>> Credentials { get; init; } = static _ => new(Connections.Credentials.None);

    public TlsSettings? Tls { get; init; }

    public TimeSpan OperationTimeout { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Shown by <c>CLIENT LIST</c>.</summary>
    public string ClientName { get; init; } = "ShardedCache";

    /// <summary>A fault where the application's own code gave none. It does not tell the exception's text, which may hold what must not be told.</summary>
    public async ValueTask<(Credentials Credentials, ConnectionFault? Fault)> AskCredentialsAsync(ServerAddress address, CancellationToken cancellationToken)
    {
        try
        {
            return (await Credentials(cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false), null);
        }
#pragma warning disable CA1031 // The application's own code: whatever it throws means that there are none.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return (Connections.Credentials.None, new(ConnectionFaultKind.NoCredentials, $"The credentials for {address} could not be had: asking for them threw {e.GetType().Name}."));
        }
    }
}
