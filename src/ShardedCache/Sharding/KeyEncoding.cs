using System.Buffers;
using System.Text.Unicode;
using ShardedCache.Connections;

namespace ShardedCache.Sharding;

/// <summary>The bytes of a Redis key: the instance name's, then the UTF-8 of the caller's key.</summary>
internal static class KeyEncoding
{
    /// <summary>Keys under this prefix are the provider's own, as <see cref="RuleRecord.Key"/>.</summary>
    public const string ReservedPrefix = "__shardedcache:";

    /// <summary>The bound of a Redis key, instance name included: beyond it the caller most likely has mixed up key and value.</summary>
    public const int MaxBytes = 64 * 1024;

    private const int StackBytes = 512;

    /// <summary>No encoded key is longer: a UTF-16 unit takes three bytes at most.</summary>
    public static int MaxLength(in StoredKey key) => checked(key.Prefix.Length + (key.Name.Length * 3));

    /// <summary>Writes the key to <paramref name="destination"/>, which has room for <see cref="MaxLength"/>.</summary>
    /// <returns>The count of bytes written.</returns>
    /// <exception cref="ArgumentException">
    /// The key is empty, holds half of a surrogate pair, begins with <see cref="ReservedPrefix"/>, or has more than <see cref="MaxBytes"/>.
    /// </exception>
    public static int Encode(in StoredKey key, Span<byte> destination)
    {
        if (key.Name.Length == 0)
        {
            throw new ArgumentException("The key is empty. Give every entry a key of its own.", nameof(key));
        }

        key.Prefix.CopyTo(destination);
        var status = Utf8.FromUtf16(key.Name, destination[key.Prefix.Length..], out var read, out var written, replaceInvalidSequences: false);
        if (status != OperationStatus.Done)
        {
            throw status == OperationStatus.DestinationTooSmall
                ? new ArgumentException("The destination is too small for the key.", nameof(destination))
                : new ArgumentException(
                    $"The key has no UTF-8 form: it holds half of a surrogate pair at index {read}. "
                    + "Make keys of whole characters; write binary data as hexadecimal or Base64.",
                    nameof(key));
        }

        var length = key.Prefix.Length + written;
        if (destination[..length].StartsWith("__shardedcache:"u8) || destination[key.Prefix.Length..length].StartsWith("__shardedcache:"u8))
        {
            throw new ArgumentException(
                $"Keys that begin with '{ReservedPrefix}' are reserved for the cache's own records. Choose another key or instance name.",
                nameof(key));
        }

        return length <= MaxBytes ? length : throw TooLong(length);
    }

    /// <summary>The shard of a key; also what proves that the key is acceptable, before anything is sent.</summary>
    /// <exception cref="ArgumentException">As <see cref="Encode"/>.</exception>
    public static int Route(this ShardingRule rule, in StoredKey key) => rule.Route(key, out _);

    /// <inheritdoc cref="Route(ShardingRule, in StoredKey)"/>
    /// <param name="rule">The rule.</param>
    /// <param name="key">The key to route.</param>
    /// <param name="routed">The same key with its <see cref="StoredKey.TagHash"/>.</param>
    public static int Route(this ShardingRule rule, in StoredKey key, out StoredKey routed)
    {
        var shard = rule.RouteEncoded(key, out var hash);
        routed = key with { TagHash = hash };
        return shard;
    }

    /// <summary>The shard of one of the cache's own keys, which may begin with <see cref="ReservedPrefix"/>. False where it cannot be a key.</summary>
    public static bool TryRouteOwn(this ShardingRule rule, in StoredKey key, out StoredKey routed, out int shard)
    {
        (routed, shard) = (key, 0);
        if (key.Name.Length > MaxBytes)
        {
            return false;
        }

        var rented = ArrayPool<byte>.Shared.Rent(MaxLength(key));
        key.Prefix.CopyTo(rented, 0);
        var status = Utf8.FromUtf16(key.Name, rented.AsSpan(key.Prefix.Length), out _, out var written, replaceInvalidSequences: false);
        var length = key.Prefix.Length + written;
        var isKey = status == OperationStatus.Done && length <= MaxBytes;
        if (isKey)
        {
            shard = rule.Route(rented.AsSpan(0, length), out var hash);
            routed = key with { TagHash = hash };
        }

        ArrayPool<byte>.Shared.Return(rented);
        return isKey;
    }

    private static int RouteEncoded(this ShardingRule rule, in StoredKey key, out ulong hash)
    {
        if (key.Name.Length > MaxBytes)
        {
            throw TooLong(key.Name.Length);
        }

        var maxLength = MaxLength(key);
        if (maxLength <= StackBytes)
        {
            Span<byte> onStack = stackalloc byte[StackBytes];
            return rule.Route(onStack[..Encode(key, onStack)], out hash);
        }

        var rented = ArrayPool<byte>.Shared.Rent(maxLength);
        try
        {
            return rule.Route(rented.AsSpan(0, Encode(key, rented)), out hash);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static ArgumentException TooLong(int length) => new(
        $"The key has {length} bytes or more, with the instance name; at most {MaxBytes} are allowed. Use a hash of it as the key.", "key");
}
