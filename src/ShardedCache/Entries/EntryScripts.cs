using ShardedCache.Connections;

namespace ShardedCache.Entries;

/// <summary>
/// The Lua scripts over one entry. They return 1 or 0, and 0 without an error for a key of another type. A missing key
/// and a key without expiration stay as they are: <c>PEXPIRE … GT</c> counts the latter as endless (Redis 7.0).
/// </summary>
internal static class EntryScripts
{
    /// <summary>
    /// Prolongs a sliding entry that is still the one that was read, and never shortens its life.
    /// Arguments: the entry's 8-byte stamp; milliseconds to live.
    /// </summary>
    public static StoredScript Touch { get; } = new("touch", """
        local head = redis.pcall('GETRANGE', KEYS[1], 0, 9)
        if type(head) ~= 'string' or #head < 10 or string.byte(head, 1) ~= 0xC1 then return 0 end
        local flags = string.byte(head, 2)
        if (flags ~= 2 and flags ~= 3) or string.sub(head, 3) ~= ARGV[1] then return 0 end
        return redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')
        """);

    /// <summary>
    /// Prolongs a sliding entry by what its own header says. Returns 1 where there is a live sliding entry, also when
    /// its life was long enough already. No arguments.
    /// </summary>
    public static StoredScript Refresh { get; } = new("refresh", """
        local head = redis.pcall('GETRANGE', KEYS[1], 0, 25)
        if type(head) ~= 'string' or #head < 18 or string.byte(head, 1) ~= 0xC1 then return 0 end
        local flags = string.byte(head, 2)
        local function number(at)
          local high, low = struct.unpack('>I4I4', head, at)
          return high * 4294967296 + low
        end
        local limit
        local window
        if flags == 2 then
          window = number(11)
        elseif flags == 3 and #head == 26 then
          window = number(19)
          local now = redis.call('TIME')
          limit = number(11) - (now[1] * 1000 + math.floor(now[2] / 1000))
          if limit <= 0 then return 0 end
        else
          return 0
        end
        if window < 1 or window >= 9007199254740992 then return 0 end
        local life = window
        if window >= 10000 then life = window + math.floor(window / 16) end
        if limit and limit < life then life = limit end
        redis.call('PEXPIRE', KEYS[1], string.format('%.0f', life), 'GT')
        return 1
        """);

    /// <summary>
    /// Removes the key without a tombstone: what is left to do where the server has no memory for one. No arguments.
    /// </summary>
    public static StoredScript Evict { get; } = new("evict", "return redis.call('DEL', KEYS[1])");
}
