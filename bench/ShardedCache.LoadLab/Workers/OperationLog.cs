using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using ShardedCache.LoadLab.History;

namespace ShardedCache.LoadLab.Workers;

/// <summary>
/// Keeps what a worker did, in memory that is there from the start, and writes it to a file when all is over: recording
/// must not disturb what it records.
/// </summary>
internal sealed class OperationLog(int capacity)
{
    // Touched once here, so that no page fault falls into the run.
    private readonly Operation[] _operations = Filled(capacity);
    private readonly ConcurrentDictionary<string, short> _errors = new();
    private int _count;

    /// <summary>A place for one operation; negative when the log is full.</summary>
    public int Begin()
    {
        var index = Interlocked.Increment(ref _count) - 1;
        return index < _operations.Length ? index : -1;
    }

    public ref Operation this[int index] => ref _operations[index];

    public short ErrorId(Exception exception)
    {
        var text = exception is ShardUnavailableException unavailable
            ? $"{exception.GetType().Name} of {unavailable.Shard}: {unavailable.Reason}"
            : $"{exception.GetType().Name}: {exception.Message}";
        return _errors.GetOrAdd(text, _ => (short)Math.Min(_errors.Count, short.MaxValue));
    }

    /// <summary>The list of errors as one line of JSON, then the operations' bytes.</summary>
    public void Save(string path)
    {
        using var file = File.Create(path);
        var errors = _errors.GroupBy(static pair => pair.Value).OrderBy(static pair => pair.Key).Select(static pair => pair.First().Key).ToArray();
        file.Write(JsonSerializer.SerializeToUtf8Bytes(errors));
        file.WriteByte((byte)'\n');
        file.Write(MemoryMarshal.AsBytes(_operations.AsSpan(0, Math.Min(_count, _operations.Length))));
    }

    public static (Operation[] Operations, string[] Errors) Load(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var end = Array.IndexOf(bytes, (byte)'\n');
        var errors = JsonSerializer.Deserialize<string[]>(bytes.AsSpan(0, end)) ?? [];
        return (MemoryMarshal.Cast<byte, Operation>(bytes.AsSpan(end + 1)).ToArray(), errors);
    }

    private static Operation[] Filled(int capacity)
    {
        var operations = new Operation[capacity];
        Array.Fill(operations, new Operation { Start = -1 });
        Array.Clear(operations);
        return operations;
    }
}
