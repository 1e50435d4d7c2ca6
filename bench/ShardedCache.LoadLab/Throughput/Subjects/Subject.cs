using System.Buffers;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>
/// A client under measurement: one caller's operations on one key. What a client has no form of it leaves out, and is not measured there.
/// </summary>
public abstract class Subject : IAsyncDisposable
{
    /// <summary>How long all entries live; the sliding ones have it as their window.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(20);

    /// <summary>Which operations, by their names on the command line, it has.</summary>
    public abstract IReadOnlyList<string> Operations { get; }

    public abstract ValueTask DisposeAsync();

    /// <summary>Writes an entry that the reading operations find.</summary>
    public abstract Task StoreAsync(string key, byte[] value, bool isSliding);

    public virtual Task<byte[]?> GetAsync(string key) => throw new NotSupportedException();

    /// <summary>Into memory that the caller owns; true where there was a value.</summary>
    public virtual ValueTask<bool> GetAsync(string key, ArrayBufferWriter<byte> destination) => throw new NotSupportedException();

    public virtual Task SetAsync(string key, byte[] value) => throw new NotSupportedException();

    public virtual ValueTask SetAsync(string key, ReadOnlySequence<byte> value) => throw new NotSupportedException();

    public virtual Task RemoveAsync(string key) => throw new NotSupportedException();

    /// <summary>A hundred keys in the client's best form.</summary>
    public virtual Task GetManyAsync(string[] keys) => throw new NotSupportedException();
}
