namespace ShardedCache.Connections.Resp;

/// <summary>A large text that is received straight into the array that its caller gets, but for its head.</summary>
internal sealed class RespDirectText
{
    /// <summary>What to receive behind it at once: of the next text, which may be large too, little more than the head.</summary>
    public const int EndAndNextHead = 4096;

    private readonly byte[] _head = new byte[64];
    private int _headLength;
    private RespEntryOperation? _operation;
    private byte[] _array = [];
    private int _filled;

    public bool IsBegun => _operation is not null;

    public bool IsFull => _filled == _array.Length;

    public Span<byte> Free => _array.AsSpan(_filled);

    /// <summary>False where the operation does not want an array, or what has come does not tell.</summary>
    /// <param name="operation">Whose reply it is.</param>
    /// <param name="length">The text's, in all.</param>
    /// <param name="begun">What has come of it.</param>
    public bool TryBegin(RespEntryOperation operation, int length, ReadOnlySpan<byte> begun)
    {
        if (operation.HeadBeforeArray(begun) is not { } head || head > _head.Length)
        {
            return false;
        }

        var array = GC.AllocateUninitializedArray<byte>(length - head);
        begun[..head].CopyTo(_head);
        begun[head..].CopyTo(array);
        (_operation, _headLength, _array, _filled) = (operation, head, array, begun.Length - head);
        return true;
    }

    public void Add(int count) => _filled += count;

    /// <summary>Gives the text, which is full, to the operation; returns what its answer returns.</summary>
    public bool Answer(out RespOperation operation)
    {
        var (entry, array) = (_operation!, _array);
        Drop();
        operation = entry;
        return entry.Answer(_head.AsSpan(0, _headLength), array);
    }

    /// <summary>Whoever still knows the connection, which may be for long, does not keep the memory.</summary>
    public void Drop() => (_operation, _array, _filled) = (null, [], 0);
}
