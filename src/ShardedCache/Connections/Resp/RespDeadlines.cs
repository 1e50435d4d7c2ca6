using System.Collections.Concurrent;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// Times operations out without a clock or a list per operation: each tick notes how far the commands had come, and all before
/// a note that is old enough are overdue. For the sweep's thread alone, but for <see cref="SentAgain"/>.
/// </summary>
internal sealed class RespDeadlines(PendingReplies pending, int timeoutMilliseconds)
{
    private readonly Queue<(long Time, long End)> _notes = new();
    private readonly ConcurrentQueue<(long First, long Again)> _sentAgain = new();
    private long _noted;
    private long _expired;

    /// <summary>What has another place now is due when it would have been at its first one. In the order of the places.</summary>
    public void SentAgain(long first, long again) => _sentAgain.Enqueue((first, again));

    /// <summary>Times out what is overdue; returns since when the oldest operation is awaited, or null when none is.</summary>
    public long? Expire(long now)
    {
        var end = pending.End;
        if (end != _noted)
        {
            _notes.Enqueue((now, end));
            _noted = end;
        }

        var overdue = _expired;
        foreach (var note in _notes)
        {
            if (now - note.Time < timeoutMilliseconds)
            {
                break;
            }

            overdue = note.End;
        }

        pending.Abandon(_expired, overdue, ReplyKind.TimedOut);
        _expired = overdue;
        while (_sentAgain.TryPeek(out var command) && command.First < overdue && _sentAgain.TryDequeue(out _))
        {
            pending.Abandon(command.Again, command.Again + 1, ReplyKind.TimedOut);
        }

        var kept = pending.Start;
        if (_sentAgain.TryPeek(out var again))
        {
            kept = Math.Min(kept, again.First);
        }

        while (_notes.TryPeek(out var oldest))
        {
            if (oldest.End > kept)
            {
                return oldest.Time;
            }

            _notes.Dequeue();
        }

        return null;
    }
}
