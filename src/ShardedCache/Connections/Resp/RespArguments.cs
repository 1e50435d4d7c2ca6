using System.Buffers;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// A script's key and arguments as they go out: kept until its reply has come, because a server that does not know the script
/// must get them once more, when the caller may have recycled his.
/// </summary>
internal sealed class RespArguments
{
    private const int Kept = 1024;

    private byte[] _bytes = [];
    private int _length;

    /// <summary>The key and the arguments.</summary>
    public int Count { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public void Set(in StoredKey key, ReadOnlySpan<ReadOnlyMemory<byte>> arguments)
    {
        var keyLength = RespWriter.LengthOf(key);
        var room = RespWriter.RoomFor(keyLength);
        foreach (var argument in arguments)
        {
            room = checked(room + RespWriter.RoomFor(argument.Length));
        }

        if (_bytes.Length < room)
        {
            Return();
            _bytes = ArrayPool<byte>.Shared.Rent(room);
        }

        var writer = new RespWriter(_bytes);
        writer.Key(key, keyLength);
        foreach (var argument in arguments)
        {
            writer.Text(argument.Span);
        }

        (_length, Count) = (writer.Written, 1 + arguments.Length);
    }

    /// <summary>Forgets them; what is not small is given back.</summary>
    public void Clear()
    {
        (_length, Count) = (0, 0);
        if (_bytes.Length > Kept)
        {
            Return();
        }
    }

    private void Return()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }
}
