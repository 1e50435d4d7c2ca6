namespace ShardedCache.Connections.Resp;

/// <summary>
/// The commands that callers give while a batch of replies is worked off: they are held back until the batch is through, and then
/// sent together. What is held back longer, because a caller blocks, is sent by the next command, or by the sweep.
/// </summary>
internal sealed class RespSendScope
{
    [ThreadStatic]
    private static RespSendScope? _own;

    [ThreadStatic]
    private static RespSendScope? _current;

    private readonly List<RespSender> _senders = [];

    /// <summary>What this thread sends from now on may be held back.</summary>
    public static RespSendScope Enter() => _current = _own ??= new RespSendScope();

    /// <summary>True when the commands that a sender has got will be sent soon.</summary>
    public static bool TryHoldBack(RespSender sender)
    {
        if (_current is not { } scope)
        {
            return false;
        }

        if (sender.HeldBackBy != scope)
        {
            scope._senders.Add(sender);
            sender.HeldBackBy = scope;
        }

        return true;
    }

    /// <summary>Sends what was held back.</summary>
    public void Leave()
    {
        _current = null;
        foreach (var sender in _senders)
        {
            sender.HeldBackBy = null;
            sender.Send();
        }

        _senders.Clear();
    }
}
