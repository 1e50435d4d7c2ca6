using ShardedCache.LoadLab.History;

namespace ShardedCache.Farm.Tests.Failover;

/// <summary>Histories by hand, in milliseconds, of one key unless told otherwise.</summary>
internal sealed class HistoryBuilder
{
    private readonly List<Operation> _operations = [];
    private readonly List<ShardEvent> _events = [];

    public HistoryBuilder Set(int process, int sequence, double start, double end, int absolute = 0, int sliding = 0, bool fails = false) => Add(
        process, OperationKind.Set, fails ? Outcome.Failed : Outcome.Done, start, end, new ValueId((byte)process, sequence), absolute, sliding);

    public HistoryBuilder Remove(int process, double start, double end, bool fails = false) =>
        Add(process, OperationKind.Remove, fails ? Outcome.Failed : Outcome.Done, start, end);

    public HistoryBuilder Refresh(int process, double start, double end) => Add(process, OperationKind.Refresh, Outcome.Done, start, end);

    public HistoryBuilder Hit(int process, (int Process, int Sequence) value, double start, double end, bool atEnd = false) =>
        Add(process, OperationKind.Get, Outcome.Hit, start, end, new ValueId((byte)value.Process, value.Sequence), isFinal: atEnd);

    public HistoryBuilder Miss(int process, double start, double end, bool atEnd = false) =>
        Add(process, OperationKind.Get, Outcome.Miss, start, end, isFinal: atEnd);

    public HistoryBuilder Throw(int process, double start, double end) => Add(process, OperationKind.Get, Outcome.Failed, start, end);

    public HistoryBuilder WrongBytes(int process, double start, double end) => Add(process, OperationKind.Get, Outcome.WrongBytes, start, end);

    public HistoryBuilder Happened(ShardEventKind kind, double start, double end)
    {
        _events.Add(new ShardEvent(kind, 0, Ticks.Of(start), Ticks.Of(end)));
        return this;
    }

    public Findings Check() => HistoryChecker.Check(_operations, _events);

    private HistoryBuilder Add(
        int process, OperationKind kind, Outcome outcome, double start, double end, ValueId value = default, int absolute = 0, int sliding = 0, bool isFinal = false)
    {
        _operations.Add(new Operation
        {
            Process = (byte)process,
            Kind = kind,
            Outcome = outcome,
            Start = Ticks.Of(start),
            End = Ticks.Of(end),
            Value = value,
            AbsoluteMilliseconds = absolute,
            SlidingMilliseconds = sliding,
            IsFinal = isFinal,
        });
        return this;
    }
}
