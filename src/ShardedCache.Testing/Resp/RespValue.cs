using System.Text;

namespace ShardedCache.Testing.Resp;

/// <summary>One RESP2 reply: <see cref="Kind"/> is its first byte; bytes for strings and numbers, items for arrays, neither for nil.</summary>
internal sealed record RespValue(char Kind, byte[]? Bytes, IReadOnlyList<RespValue>? Items)
{
    public bool IsError => Kind == '-';

    /// <summary>As redis-cli prints it into a pipe: an array's items each on its own line, nil as nothing.</summary>
    public string Text => Items is not null
        ? string.Join('\n', Items.Select(static item => item.Text))
        : Bytes is null ? "" : Encoding.UTF8.GetString(Bytes);

    /// <summary>A flat list of names and values, as Sentinel describes an instance.</summary>
    public IReadOnlyDictionary<string, string> Fields => (Items ?? []).Chunk(2)
        .Where(static pair => pair.Length == 2)
        .ToDictionary(static pair => pair[0].Text, static pair => pair[1].Text, StringComparer.Ordinal);
}
