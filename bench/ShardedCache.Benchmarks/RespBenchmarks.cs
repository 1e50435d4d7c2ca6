using System.Buffers;
using System.Text;
using BenchmarkDotNet.Attributes;
using ShardedCache.Connections;
using ShardedCache.Connections.Resp;

namespace ShardedCache.Benchmarks;

/// <summary>What our own wire's reader and writer cost each operation, beside the network. Promised: 0 bytes.</summary>
[SimpleJob(warmupCount: 3, iterationCount: 10)]
[MemoryDiagnoser]
public class RespBenchmarks
{
    private readonly StoredKey _key = new("shop:"u8.ToArray(), "session:0123456789abcdef");
    private readonly RespBuffer _buffer = new();
    private readonly RespArguments _arguments = new();
    private readonly StoredScript _script = new("script", "return 1");
    private readonly ReadOnlyMemory<byte>[] _scriptArguments = ["01234567"u8.ToArray(), "1200000"u8.ToArray()];
    private readonly byte[] _array = Encoding.ASCII.GetBytes("*3\r\n$6\r\nmaster\r\n:1234567\r\n*1\r\n*3\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n$7\r\n1234567\r\n");
    private ReadOnlySequence<byte> _payload;
    private byte[] _text = [];

    [Params(128, 16384)]
    public int Size { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _payload = new ReadOnlySequence<byte>(new byte[Size]);
        _text = [.. Encoding.ASCII.GetBytes($"${Size}\r\n"), .. new byte[Size], .. "\r\n"u8];
    }

    [Benchmark]
    public int ReadText()
    {
        default(RespScanner).Scan(_text, out _, out var length);
        return length;
    }

    [Benchmark]
    public int ReadArray()
    {
        default(RespScanner).Scan(_array, out _, out var length);
        return length;
    }

    [Benchmark]
    public long WriteGet()
    {
        new GetCommand(_key).WriteTo(_buffer);
        return Drain();
    }

    [Benchmark]
    public long WriteSet()
    {
        new SetCommand(_key, "0123456789"u8, _payload, TimeSpan.FromMinutes(20)).WriteTo(_buffer);
        return Drain();
    }

    [Benchmark]
    public long WriteScript()
    {
        _arguments.Set(_key, _scriptArguments);
        new EvalShaCommand(_script, _arguments).WriteTo(_buffer);
        return Drain();
    }

    private long Drain()
    {
        var length = _buffer.Length;
        while (_buffer.Length > 0)
        {
            _buffer.Consume(_buffer.First.Count);
        }

        return length;
    }
}
