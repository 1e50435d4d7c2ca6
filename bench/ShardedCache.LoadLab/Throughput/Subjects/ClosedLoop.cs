using System.Buffers;
using System.Diagnostics;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>Callers that each start their next operation when the last one has ended. It allocates nothing per operation.</summary>
public sealed class ClosedLoop(Subject subject, Cell cell, string prefix)
{
    private const int Keys = 10_000;
    private const int BatchSize = 100;
    private const int SampledOf = 16;


    private readonly string[] _names = KeysOf(prefix, "profile");
    private readonly string[] _sliding = KeysOf(prefix, "session");
    private readonly string[] _missing = KeysOf(prefix, "nothing");
    private readonly byte[] _value = [.. Enumerable.Range(0, cell.Payload).Select(static i => (byte)i)];
    private readonly long[] _samples = new long[1 << 20];
    private int _sampled;
    private volatile bool _isOver;

    /// <summary>The keys that the cell reads; large payloads have fewer, so that the servers do not run out of memory.</summary>
    private int Used => Math.Min(Keys, Math.Max(64, 64 * 1024 * 1024 / Math.Max(1, cell.Payload)));

    public async Task StoreAsync()
    {
        foreach (var keys in Enumerable.Range(0, Used).Chunk(64))
        {
            await Task.WhenAll(keys.Select(i => subject.StoreAsync(cell.Op == "get-sliding" ? _sliding[i] : _names[i], _value, cell.Op == "get-sliding")));
        }
    }

    public async Task<Figures> RunAsync(TimeSpan duration)
    {
        (_sampled, _isOver) = (0, false);
        using var process = Process.GetCurrentProcess();
        var (cpu, allocated, started) = (process.TotalProcessorTime, GC.GetTotalAllocatedBytes(precise: true), Stopwatch.GetTimestamp());
        var callers = Enumerable.Range(0, cell.InFlight).Select(caller => Task.Run(() => CallAsync(caller))).ToArray();
        await Task.Delay(duration);
        _isOver = true;
        var count = (await Task.WhenAll(callers)).Sum();
        var elapsed = Stopwatch.GetElapsedTime(started);
        process.Refresh();
        cpu = process.TotalProcessorTime - cpu;
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        var samples = _samples.AsSpan(0, Math.Min(_sampled, _samples.Length));
        samples.Sort();
        return new Figures(
            count / elapsed.TotalSeconds, At(samples, 0.5), At(samples, 0.99), At(samples, 0.999), cpu.TotalMicroseconds / count, 0, (double)allocated / count);
    }

    /// <summary>Subjects store in different forms, so each has keys of its own.</summary>
    private static string[] KeysOf(string prefix, string kind) => [.. Enumerable.Range(0, Keys).Select(i => $"{prefix}:{i}:{kind}")];

    private static double At(ReadOnlySpan<long> sorted, double share) =>
        sorted.IsEmpty ? 0 : Stopwatch.GetElapsedTime(0, sorted[(int)(share * (sorted.Length - 1))]).TotalMicroseconds;

    private async Task<long> CallAsync(int caller)
    {
        var buffer = new ArrayBufferWriter<byte>(cell.Payload + 64);
        var sequence = new ReadOnlySequence<byte>(_value);
        var batch = cell.Op == "batch" ? new string[BatchSize] : [];
        var at = caller * 7919;
        var count = 0L;
        for (; !_isOver; count++, at++)
        {
            var started = count % SampledOf == 0 ? Stopwatch.GetTimestamp() : 0;
            var key = at % Used;
            switch (cell.Op)
            {
                case "get":
                    Check(await subject.GetAsync(_names[key]) is not null);
                    break;
                case "get-sliding":
                    Check(await subject.GetAsync(_sliding[key]) is not null);
                    break;
                case "get-buffer":
                    buffer.ResetWrittenCount();
                    Check(await subject.GetAsync(_names[key], buffer));
                    break;
                case "miss":
                    Check(await subject.GetAsync(_missing[key]) is null);
                    break;
                case "set":
                    await subject.SetAsync(_names[key], _value);
                    break;
                case "set-buffer":
                    await subject.SetAsync(_names[key], sequence);
                    break;
                case "remove":
                    await subject.RemoveAsync(_missing[key]);
                    break;
                case "mix" when count % 10 == 9:
                    await subject.SetAsync(_names[key], _value);
                    break;
                case "mix":
                    Check(await subject.GetAsync(_names[key]) is not null);
                    break;
                case "batch":
                    Array.Copy(_names, Math.Min(key, Used - BatchSize), batch, 0, BatchSize);
                    await subject.GetManyAsync(batch);
                    count += BatchSize - 1;
                    at += BatchSize - 1;
                    break;
                default:
                    throw new ArgumentException($"There is no operation '{cell.Op}'.");
            }

            if (started != 0 && Interlocked.Increment(ref _sampled) is var sample && sample <= _samples.Length)
            {
                _samples[sample - 1] = Stopwatch.GetTimestamp() - started;
            }
        }

        return count;
    }

    private void Check(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"{subject} did not answer a {cell.Op} as it should: what is measured would mean nothing.");
        }
    }
}
