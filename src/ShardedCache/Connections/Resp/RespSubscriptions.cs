using System.Collections.Concurrent;
using System.Text;

namespace ShardedCache.Connections.Resp;

/// <summary>Who listens to what, on one connection; and what a push says.</summary>
internal sealed class RespSubscriptions
{
    private readonly ConcurrentDictionary<string, Action<string, string>> _handlers = new(StringComparer.Ordinal);

    public void Add(string channel, Action<string, string> onMessage) => _handlers[channel] = onMessage;

    public static bool IsConfirmation(in RespToken token, ReadOnlySpan<byte> frame) => TryReadText(frame, token.BodyStart, out var kind, out _) && kind.SequenceEqual("subscribe"u8);

    /// <summary>Passes a message on; a push of another kind, or to nobody, is dropped.</summary>
    public void Publish(in RespToken token, ReadOnlySpan<byte> frame)
    {
        if (token.Value != 3
            || !TryReadText(frame, token.BodyStart, out var kind, out var next) || !kind.SequenceEqual("message"u8)
            || !TryReadText(frame, next, out var channelBytes, out next)
            || !TryReadText(frame, next, out var message, out _))
        {
            return;
        }

        var channel = Encoding.UTF8.GetString(channelBytes);
        if (_handlers.TryGetValue(channel, out var onMessage))
        {
            onMessage(channel, Encoding.UTF8.GetString(message));
        }
    }

    private static bool TryReadText(ReadOnlySpan<byte> frame, int start, out ReadOnlySpan<byte> text, out int next)
    {
        text = default;
        next = start;
        if (RespReader.Read(frame[start..], out var token) != RespStatus.Complete || token.Kind != RespKind.Text)
        {
            return false;
        }

        text = token.Body(frame[start..]);
        next = start + token.Length;
        return true;
    }
}
