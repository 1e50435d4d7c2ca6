using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
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
    private readonly ArraySegment<byte>[] _parts = new ArraySegment<byte>[2];
    private Socket? _socket;
    private SslStream? _tls;
    private bool _isAborted;

    public static bool IsLoss(Exception e) => e is SocketException or IOException or ObjectDisposedException or AuthenticationException;

    public bool IsConnected { get; private set; }

    /// <summary>By TLS.</summary>
    public bool IsSecure => _tls is not null;

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

    /// <summary>Sends what the network takes at once; returns how much that was, 0 when that must be waited for.</summary>
    public int TrySend(ReadOnlySpan<byte> bytes)
    {
        if (_tls is not null)
        {
            return 0;
        }

        var count = _socket!.Send(bytes, SocketFlags.None, out var error);
        return Sent(count, error);
    }

    /// <summary>The same for two parts, together.</summary>
    public int TrySend(ArraySegment<byte> first, ReadOnlyMemory<byte> second)
    {
        if (first.Count == 0 || !MemoryMarshal.TryGetArray(second, out var array))
        {
            return TrySend(first.Count > 0 ? first : second.Span);
        }

        try
        {
            (_parts[0], _parts[1]) = (first, array);
            var count = _socket!.Send(_parts, SocketFlags.None, out var error);
            return Sent(count, error);
        }
        finally
        {
            Array.Clear(_parts);
        }
    }

    /// <summary>With TLS: sends all; blocks.</summary>
    public void Send(ReadOnlySpan<byte> bytes) => _tls!.Write(bytes);

    /// <summary>Without TLS: blocks until the network takes more.</summary>
    public void WaitToSend() => _socket!.Poll(-1, SelectMode.SelectWrite);

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

    private static int Sent(int count, SocketError error) => error switch
    {
        SocketError.Success => count,
        SocketError.WouldBlock => 0,
        _ => throw new SocketException((int)error),
    };

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
