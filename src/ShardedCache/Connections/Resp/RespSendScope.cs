namespace ShardedCache.Connections.Resp;

/// <summary>
/// The commands that callers send while their batch of replies is worked off: they are held back until the batch is through, and then
/// sent together. What is held back longer, because a caller blocks, is sent by the next command, or by the sweep.
/// </summary>
internal sealed class RespSendScope
{
    private const int Longest = 32;

    [ThreadStatic]
    private static RespSendScope? _own;

    [ThreadStatic]
    private static RespSendScope? _current;

    private readonly List<RespSender> _senders = [];
    private int _count;

    /// <summary>Whether another caller follows the one that runs now.</summary>
    public bool MoreToCome { get; set; }

    public static RespSendScope Enter()
    {
        var scope = _own ??= new RespSendScope();
        scope._count = 0;
        return _current = scope;
    }

    /// <summary>True when the commands that a sender has got will be sent soon.</summary>
    public static bool TryHoldBack(RespSender sender)
    {
        if (_current is not { MoreToCome: true } scope)
        {
            return false;
        }

        if (sender.HeldBackBy != scope)
        {
            sender.HeldBackBy = scope;
            scope._senders.Add(sender);
        }

        return true;
    }

    /// <summary>One caller has gone on.</summary>
    public void Count()
    {
        if (++_count >= Longest)
        {
            Send();
        }
    }

    public void Leave()
    {
        _current = null;
        Send();
    }

    private void Send()
    {
        _count = 0;
        foreach (var sender in _senders)
        {
            sender.HeldBackBy = null;
            sender.Send();
        }

        _senders.Clear();
    }
}
