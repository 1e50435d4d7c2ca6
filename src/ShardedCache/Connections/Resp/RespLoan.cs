using System.Buffers;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// A large payload that is sent from its caller's memory. It is given back before the caller is told anything, for he may then write
/// something else there; what has not been sent by then is copied.
/// </summary>
internal sealed class RespLoan
{
    /// <summary>To copy a smaller one costs no more than the calls of the system that it takes to send it from where it is.</summary>
    public const int Least = 128 * 1024;

    // While it is being sent nobody can give it back.
    private const int MostAtOnce = 1024 * 1024;

    private readonly Lock _gate = new();
    private ReadOnlyMemory<byte> _unsent;
    private byte[]? _copy;
    private OutOfMemoryException? _failure;

    /// <summary>Whether it can be used again.</summary>
    public bool IsOver
    {
        get
        {
            lock (_gate)
            {
                return _unsent.IsEmpty && _failure is null;
            }
        }
    }

    /// <param name="payload">Not to be changed until <see cref="GiveBack"/>.</param>
    public void Begin(ReadOnlyMemory<byte> payload) => _unsent = payload;

    /// <summary>Sends what the network takes at once of what stands before it and of itself; returns how much that was. For one thread at a time.</summary>
    public int Send(RespLink link, ArraySegment<byte> before)
    {
        lock (_gate)
        {
            if (_failure is { } failure)
            {
                throw failure;
            }

            var count = link.TrySend(before, _unsent[..Math.Min(_unsent.Length, MostAtOnce)]);
            _unsent = _unsent[Math.Max(0, count - before.Count)..];
            if (_unsent.IsEmpty)
            {
                Forget();
            }

            return count;
        }
    }

    /// <summary>From now on the memory is the caller's again.</summary>
    public void GiveBack()
    {
        lock (_gate)
        {
            if (_unsent.IsEmpty || _copy is not null)
            {
                return;
            }

            try
            {
                var copy = ArrayPool<byte>.Shared.Rent(_unsent.Length);
                _unsent.CopyTo(copy);
                (_copy, _unsent) = (copy, copy.AsMemory(0, _unsent.Length));
            }
            catch (OutOfMemoryException e)
            {
                // Nobody can end the command any more: it costs the connection, as soon as it is its turn.
                _failure = e;
            }
        }
    }

    /// <summary>It is not sent any more.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            Forget();
        }
    }

    private void Forget()
    {
        _unsent = default;
        if (_copy is not null)
        {
            ArrayPool<byte>.Shared.Return(_copy);
            _copy = null;
        }
    }
}
