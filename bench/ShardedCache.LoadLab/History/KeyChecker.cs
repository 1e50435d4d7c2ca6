namespace ShardedCache.LoadLab.History;

/// <summary>Judges every read of one key. A read returns what one write left, or nothing; which writes can explain it?</summary>
internal sealed class KeyChecker
{
    /// <summary>The option's default: a copy that was not confirmed for so long is not served, and a miss is right.</summary>
    private static readonly long MaxStaleness = Ticks.Of(TimeSpan.FromMinutes(1)) - Lifetime.Tolerance;

    private readonly Operation[] _operations;
    private readonly ShardEvent[] _events;
    private readonly Findings _findings;
    private readonly long _origin;
    private readonly List<Write> _writes;
    private readonly Dictionary<ValueId, Write> _byValue = [];

    public KeyChecker(Operation[] operations, ShardEvent[] events, Findings findings, long origin)
    {
        (_operations, _events, _findings, _origin) = (operations, events, findings, origin);
        _writes = [.. operations.Where(static operation => operation.IsWrite).Select(static operation => Write.Of(operation))];
        foreach (var write in _writes)
        {
            if (write.Value is { } value)
            {
                _byValue[value] = write;
            }
        }

        _writes.AddRange(events.Where(static e => e.Kind == ShardEventKind.Flushed)
            .Select(static e => new Write(null, null, e.Start, e.End, IsAcknowledged: true, 0, 0)));
    }

    public void Check()
    {
        foreach (var read in _operations)
        {
            if (read.Kind != OperationKind.Get)
            {
                continue;
            }

            var known = Known(read);
            var mustBeThere = MustBeThere(read, known);
            if (mustBeThere is not null && !read.IsFinal)
            {
                _findings.ReadsOfExisting.Add(read);
            }

            switch (read.Outcome)
            {
                case Outcome.WrongBytes:
                    _findings.Wrong.Add(read.Key, $"{Describe(read)} returned bytes that nobody wrote");
                    break;
                case Outcome.Hit:
                    CheckHit(read, known);
                    break;
                case Outcome.Miss when mustBeThere is not null && !read.IsFinal:
                    _findings.Missed.Add(read.Key, $"{Describe(read)} missed {Describe(mustBeThere)}{Before(read)}");
                    break;
                case Outcome.Miss when read.IsFinal:
                    CheckFinalMiss(read);
                    break;
            }
        }
    }

    private void CheckHit(in Operation read, List<Write> known)
    {
        if (!_byValue.TryGetValue(read.Value, out var write) || write.Start > read.End)
        {
            _findings.Wrong.Add(read.Key, $"{Describe(read)} returned {read.Value}, which was never written, or not yet");
            return;
        }

        if (known.Find(write.IsBefore) is { } later)
        {
            Superseded(read, write, later);
        }
        else if (read.IsFinal && Array.FindLast([.. _writes], other => other.IsAcknowledged && write.IsBefore(other)) is { } last)
        {
            Superseded(read, write, last);
        }
        else if (Lifetime.HasExpired(write, read, _operations) && _findings.IsNew((write, "expired")))
        {
            _findings.Resurrected.Add(read.Key, $"{Describe(read)} returned {Describe(write)}, which had expired");
        }
    }

    /// <summary>A process may not read what it knows to be replaced; at the end, nobody may.</summary>
    private void Superseded(in Operation read, Write write, Write later)
    {
        var text = $"{Describe(read)} returned {Describe(write)}, though {Describe(later)} came later";
        if (later.IsRemoval)
        {
            if (_findings.IsNew((write, later, read.Process)))
            {
                _findings.Resurrected.Add(read.Key, text);
            }
        }
        else if (read.IsFinal)
        {
            if (_findings.IsNew((later, "lost")))
            {
                _findings.Lost.Add(read.Key, text);
            }
        }
        else
        {
            _findings.Stale.Add(read.Key, text);
        }
    }

    private void CheckFinalMiss(in Operation read)
    {
        var possible = _writes.FindAll(write => !_writes.Exists(other => other.IsAcknowledged && write.IsBefore(other)));
        if (!possible.Exists(static write => write.IsAcknowledged))
        {
            return;
        }

        foreach (var write in possible)
        {
            if (write.IsRemoval || !Lifetime.IsAlive(write, read, _operations) || Excused(write, read, ShardEventKind.MayEvict))
            {
                return;
            }
        }

        var lost = possible.FindLast(static write => write.IsAcknowledged)!;
        if (_findings.IsNew((lost, "lost")))
        {
            var finding = Excused(lost, read, ShardEventKind.DataLost) ? _findings.Unavoidable : _findings.Lost;
            finding.Add(read.Key, $"{Describe(read)} missed {Describe(lost)}{Before(read)}");
        }
    }

    /// <summary>What the reader's process has written itself and been told of, or has read, before this read began.</summary>
    private List<Write> Known(Operation read)
    {
        var known = _writes.FindAll(write => write.Process == read.Process && write.IsAcknowledged && write.End <= read.Start);
        foreach (var earlier in _operations)
        {
            if (earlier.Process == read.Process && earlier.Outcome == Outcome.Hit && earlier.End <= read.Start
                && _byValue.TryGetValue(earlier.Value, out var write))
            {
                known.Add(write);
            }
        }

        return known;
    }

    /// <summary>
    /// The value known to the process of which it is certain that it, or a later value, can be read: no removal, no expiry and
    /// no failed removal may have come between. Null where a miss can be right.
    /// </summary>
    private Write? MustBeThere(Operation read, List<Write> known)
    {
        var last = known.FindLast(write => !write.IsRemoval && !known.Exists(write.IsBefore));
        if (last is null || LastContact(read, last) < read.Start - MaxStaleness)
        {
            return null;
        }

        // While its shard is not up a process knows only of the uses that it has made of an entry itself; and a refresh that may have met
        // another's later value on the server was none of its own copy.
        var own = Array.FindAll(_operations, operation => operation.Process == read.Process
            && (operation.Kind != OperationKind.Refresh
                || !_writes.Exists(other => other.Value != last.Value && !other.IsBefore(last) && other.Start <= operation.End)));
        foreach (var write in _writes)
        {
            if (write.Start >= read.End || write.IsBefore(last))
            {
                continue;
            }

            if (write.IsRemoval || !Lifetime.IsAlive(write, read, own)
                || Excused(write, read, ShardEventKind.MayEvict) || Excused(write, read, ShardEventKind.DataLost))
            {
                return null;
            }
        }

        return last;
    }

    /// <summary>When the process last wrote or read the value.</summary>
    private long LastContact(Operation read, Write write) => _operations
        .Where(operation => operation.Process == read.Process && operation.End <= read.Start && operation.Value == write.Value
            && (operation.Outcome == Outcome.Hit || operation.Kind == OperationKind.Set))
        .Max(static operation => operation.End);

    private bool Excused(Write write, Operation read, ShardEventKind kind) => Array.Exists(_events, e =>
        e.Kind == kind && write.Start <= e.End && read.End >= e.Start && (kind == ShardEventKind.DataLost || write.End >= e.Start));

    /// <summary>What was done with the key before: a finding is of little use without it.</summary>
    private string Before(Operation read) => "; before: " + string.Join(", ", _operations
        .Where(operation => operation.Start < read.Start)
        .TakeLast(8)
        .Select(operation => $"{operation.Kind} {operation.Outcome} {operation.Value} by {operation.Process} at {At(operation.Start)} to {At(operation.End)}"));

    private string Describe(in Operation read) =>
        $"key {read.Key} on shard {read.Shard}: {(read.IsFinal ? "final read" : "read")} of process {read.Process} at {At(read.Start)}";

    private string Describe(Write write) =>
        $"{(write.IsRemoval ? "a removal" : $"value {write.Value}")}{(write.IsAcknowledged ? "" : " (failed)")} of {(write.Process is { } process ? $"process {process}" : "the operator")} at {At(write.Start)} to {At(write.End)}"
        + (write.Absolute > 0 ? $", absolute {Ticks.Milliseconds(write.Absolute):0}" : "") + (write.Sliding > 0 ? $", sliding {Ticks.Milliseconds(write.Sliding):0}" : "");

    private string At(long moment) => moment == long.MaxValue ? "never" : $"{Ticks.Milliseconds(moment - _origin):0.0} ms";
}
