using System.Security.Cryptography;
using System.Text;

namespace ShardedCache.Connections;

/// <summary>
/// A Lua script that takes one key. Transports send its SHA-1 and fall back to the text once when the server does not
/// know it, so a restarted or promoted server needs no preparation.
/// </summary>
internal sealed class StoredScript(string name, string text)
{
    public string Name { get; } = name;

    public string Text { get; } = text;

    /// <summary>SHA-1 of the text, 20 bytes: the name Redis gives to a script, not a secret.</summary>
#pragma warning disable CA5350 // EVALSHA is defined over SHA-1.
    public byte[] Sha1Bytes { get; } = SHA1.HashData(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA5350

    /// <summary><see cref="Sha1Bytes"/> as 40 lower-case hexadecimal digits, as <c>EVALSHA</c> takes it.</summary>
    public string Sha1 => field ??= Convert.ToHexStringLower(Sha1Bytes);
}
