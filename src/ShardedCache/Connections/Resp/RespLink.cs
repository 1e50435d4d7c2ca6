using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// The one socket of a connection, with TLS or without: one thread receives, one at a time sends, and any may abort, which ends
/// both. Used synchronously, so that no thread of the pool has a part in it.
/// </summary>
internal sealed class RespLink(int unacknowledgedLimitMilliseconds)
{
    private readonly Lock _gate = new();
    private Socket? _socket;
    private SslStream? _tls;
    private bool _isAborted;

    public static bool IsLoss(Exception e) => e is SocketException or IOException or ObjectDisposedException or AuthenticationException;

    public bool IsConnected { get; private set; }

    /// <summary>To wait for. Set once connected.</summary>
    public Socket Socket => _socket!;

    /// <summary>Blocks.</summary>
    public void Connect(BlockingConnect connect)
    {
        connect.ToFirst(address => NewSocket(address.AddressFamily));
        IsConnected = true;
    }

    /// <summary>Begins TLS, or makes sending without it never block.</summary>
    public void Secure(TlsSettings? tls, string host)
    {
        if (tls is null)
        {
            _socket!.Blocking = false;
            return;
        }

        var certificates = tls.ClientCertificate is { } certificate ? new X509CertificateCollection { certificate } : null;
        _tls = new SslStream(new NetworkStream(_socket!, ownsSocket: false));
        _tls.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = tls.TargetHost ?? host,
            RemoteCertificateValidationCallback = tls.Validation,
            ClientCertificates = certificates,

            // Also where the server does not name the certificate's issuer.
            LocalCertificateSelectionCallback = certificates is null ? null : (_, _, _, _, _) => tls.ClientCertificate!,
        });
    }

    /// <summary>With TLS: blocks until something has come; 0 when nothing will any more.</summary>
    public int Receive(Span<byte> destination) => _tls!.Read(destination);

    /// <summary>Without TLS: takes what has come. False when nothing has; 0 when nothing will any more.</summary>
    public bool TryReceive(Span<byte> destination, out int count)
    {
        count = _socket!.Receive(destination, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.Success => true,
            SocketError.WouldBlock => false,
            _ => throw new SocketException((int)error),
        };
    }

    /// <summary>Sends what the network takes at once; returns how much that was, 0 when <see cref="Send"/> must.</summary>
    public int TrySend(ReadOnlySpan<byte> bytes)
    {
        if (_tls is not null)
        {
            return 0;
        }

        var count = _socket!.Send(bytes, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.Success => count,
            SocketError.WouldBlock => 0,
            _ => throw new SocketException((int)error),
        };
    }

    /// <summary>Sends all; blocks.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_tls is not null)
        {
            _tls.Write(bytes);
            return;
        }

        while (!bytes.IsEmpty)
        {
            var count = TrySend(bytes);
            if (count == 0)
            {
                _socket!.Poll(-1, SelectMode.SelectWrite);
            }

            bytes = bytes[count..];
        }
    }

    /// <summary>Ends the connection with a reset: the kernel forgets what was not sent, and nothing lingers.</summary>
    public void Abort()
    {
        Socket? socket;
        lock (_gate)
        {
            _isAborted = true;
            socket = _socket;
        }

        socket?.Close(0);
    }

    /// <summary>After the last call to receive.</summary>
    public void Release() => _tls?.Dispose();

    public long? MillisecondsSinceData() => _socket is { } socket ? SocketProgress.MillisecondsSinceData(socket) : null;

    private Socket NewSocket(AddressFamily family)
    {
        var socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SocketProfile.Apply(socket, unacknowledgedLimitMilliseconds);
        lock (_gate)
        {
            if (!_isAborted)
            {
                return _socket = socket;
            }
        }

        socket.Dispose();
        throw new ObjectDisposedException(nameof(RespLink));
    }
}
