using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace ShardedCache.Testing.Resp;

/// <summary>One connection to one server, one command at a time. Not thread-safe.</summary>
internal sealed class RespClient : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    private RespClient(Stream stream) => _stream = stream;

    public static async Task<RespClient> ConnectAsync(IPEndPoint endPoint, RespAccess access, CancellationToken cancellationToken)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (access.Tls is not null)
            {
                var tls = new SslStream(stream);
                stream = tls;
                await tls.AuthenticateAsClientAsync(access.Tls, cancellationToken).ConfigureAwait(false);
            }

            var client = new RespClient(stream);
            if (access.Password is not null)
            {
                var reply = await client.SendAsync(Encode(["AUTH", access.User ?? "default", access.Password]), cancellationToken).ConfigureAwait(false);
                if (reply.IsError)
                {
                    throw RedisFarmException.ForErrorReply(reply.Text);
                }
            }

            return client;
        }
        catch
        {
            socket.Dispose();
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    public static IReadOnlyList<byte[]> Encode(IEnumerable<string> command) => [.. command.Select(Encoding.UTF8.GetBytes)];

    public async Task<RespValue> SendAsync(IReadOnlyList<byte[]> command, CancellationToken cancellationToken)
    {
        using var request = new MemoryStream();
        Write(request, $"*{command.Count}\r\n");
        foreach (var argument in command)
        {
            Write(request, $"${argument.Length}\r\n");
            request.Write(argument);
            Write(request, "\r\n");
        }

        await _stream.WriteAsync(request.GetBuffer().AsMemory(0, (int)request.Length), cancellationToken).ConfigureAwait(false);
        return await ReadAsync(cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static void Write(Stream stream, FormattableString text) =>
        stream.Write(Encoding.ASCII.GetBytes(text.ToString(CultureInfo.InvariantCulture)));

    private static void Write(Stream stream, string text) => stream.Write(Encoding.ASCII.GetBytes(text));

    private async Task<RespValue> ReadAsync(CancellationToken cancellationToken)
    {
        var line = await ReadLineAsync(cancellationToken).ConfigureAwait(false);
        var kind = (char)line[0];
        switch (kind)
        {
            case '+' or '-' or ':':
                return new RespValue(kind, line[1..], null);
            case '$' when Length(line) is var length:
                if (length < 0)
                {
                    return new RespValue(kind, null, null);
                }

                var bytes = await ReadExactlyAsync(length + 2, cancellationToken).ConfigureAwait(false);
                return new RespValue(kind, bytes[..length], null);
            case '*' when Length(line) is var count:
                if (count < 0)
                {
                    return new RespValue(kind, null, null);
                }

                var items = new List<RespValue>(count);
                for (var i = 0; i < count; i++)
                {
                    items.Add(await ReadAsync(cancellationToken).ConfigureAwait(false));
                }

                return new RespValue(kind, null, items);
            default:
                throw new IOException($"The server sent a reply of the unknown type '{kind}'.");
        }
    }

    private static int Length(byte[] line) => int.Parse(line.AsSpan(1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private async Task<byte[]> ReadLineAsync(CancellationToken cancellationToken)
    {
        using var line = new MemoryStream();
        while (true)
        {
            if (_start == _end)
            {
                await FillAsync(cancellationToken).ConfigureAwait(false);
            }

            var next = _buffer[_start++];
            if (next == '\n' && line.Length > 1)
            {
                return line.ToArray()[..^1];
            }

            line.WriteByte(next);
        }
    }

    private async Task<byte[]> ReadExactlyAsync(int count, CancellationToken cancellationToken)
    {
        var bytes = new byte[count];
        var buffered = Math.Min(count, _end - _start);
        _buffer.AsSpan(_start, buffered).CopyTo(bytes);
        _start += buffered;
        await _stream.ReadExactlyAsync(bytes.AsMemory(buffered), cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        _start = 0;
        _end = await _stream.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false);
        if (_end == 0)
        {
            throw new IOException("The server closed the connection.");
        }
    }
}
