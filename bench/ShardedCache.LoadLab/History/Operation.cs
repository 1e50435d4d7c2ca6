using System.Runtime.InteropServices;

namespace ShardedCache.LoadLab.History;

internal enum OperationKind : byte
{
    Set,
    Get,
    Remove,
    Refresh,
}

internal enum Outcome : byte
{
    /// <summary>It never came back: the worker gave up waiting for it.</summary>
    Pending,

    /// <summary>A set, a removal or a refresh that returned: acknowledged.</summary>
    Done,
    Hit,
    Miss,

    /// <summary>A read that returned bytes which nobody has written under this key.</summary>
    WrongBytes,

    /// <summary>It threw. A write that threw may have taken effect.</summary>
    Failed,
}

/// <summary>The ways into the cache, each of which is a path of its own inside.</summary>
internal enum CallForm : byte
{
    /// <summary>Byte arrays, asynchronous.</summary>
    Plain,

    /// <summary>A buffer writer to read into, a sequence to write, asynchronous.</summary>
    Buffered,

    /// <summary>Byte arrays, and the thread is blocked.</summary>
    Synchronous,

    /// <summary>Several keys at once.</summary>
    Batch,
}

/// <summary>Names a written value: the process that wrote it and its number there. Its bytes follow from it.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct ValueId(byte Process, int Sequence)
{
    public override string ToString() => $"{Process}#{Sequence}";
}

/// <summary>
/// One call of a worker, as it is kept in memory and in the worker's file, byte for byte. Times are <c>Stopwatch</c>
/// timestamps, which the processes of one machine share.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal record struct Operation
{
    public long Start;
    public long End;
    public int Key;

    /// <summary>Written by a set, or returned by a hit.</summary>
    public ValueId Value;

    /// <summary>Of a set: its lifetime from now in milliseconds; 0 for none.</summary>
    public int AbsoluteMilliseconds;

    /// <summary>Of a set: its sliding window in milliseconds; 0 for none.</summary>
    public int SlidingMilliseconds;

    /// <summary>Where the exception's type is in the worker's list of them; of a failed operation.</summary>
    public short Error;
    public byte Process;
    public byte Shard;
    public OperationKind Kind;
    public CallForm Form;
    public Outcome Outcome;

    /// <summary>A read of the end: the load has stopped and everything is healthy.</summary>
    public bool IsFinal;

    public readonly bool IsWrite => Kind is OperationKind.Set or OperationKind.Remove;

    public readonly bool IsAcknowledgedWrite => IsWrite && Outcome == Outcome.Done;
}
