using ShardedCache.Connections;

namespace ShardedCache.Entries;

/// <summary>
/// The Lua scripts over one entry. They return 1 or 0, and 0 without an error for a key of another type. A missing key
/// and a key without expiration stay as they are: <c>PEXPIRE … GT</c> counts the latter as endless (Redis 7.0). Without arguments
/// none of them writes anything: so a server can be made to know them.
/// </summary>
internal static class EntryScripts
{
    /// <summary>What <see cref="Replay"/> returns where there is no memory for the entry, and the key was removed.</summary>
    public const int RemovedForLackOfMemory = 2;

    // Whether what is stored, or was, is later than the stamp; its own stamp is not.
    internal const string IsLater = """
        local function isLater(stored, at, stamp)
          local oldHigh, oldLow = struct.unpack('>I4I4', stored, at)
          local newHigh, newLow = struct.unpack('>I4I4', stamp)
          return oldHigh > newHigh or (oldHigh == newHigh and oldLow > newLow)
        end
        local function stampOf(key)
          local head = redis.pcall('GETRANGE', key, 0, 9)
          return type(head) == 'string' and #head == 10 and string.byte(head, 1) == 0xC1 and string.byte(head, 2) <= 4
            and string.sub(head, 3)
        end
        local function hasLater(key, stamp)
          local there = stampOf(key)
          return there and isLater(there, 1, stamp)
        end
        local function hadLater(lastKey, stamp)
          local last = redis.call('GET', lastKey)
          return last and isLater(last, 1, stamp)
        end
        """;

    // What is left of a life, in milliseconds. A process can be stopped between working it out and sending it.
    internal const string Rest = """
        local function rest(life, late)
          if late <= 0 or life == '' then return life end
          return string.format('%.0f', math.max(1, life - late))
        end
        """;

    // By how many milliseconds a life is late that counts from this time; not at all where none is given.
    internal const string Late = Rest + "\n" + """
        local function lateBy(at)
          if not at then return 0 end
          local time = redis.call('TIME')
          return time[1] * 1000 + math.floor(time[2] / 1000) - at
        end
        """;

    // The score, too: whoever writes to the group next makes its index expire with the greatest of them.
    private const string ProlongMember = """
        local function prolongMember(index, key, life)
          local time = redis.call('TIME')
          local expiry = time[1] * 1000 + math.floor(time[2] / 1000) + life
          redis.call('ZADD', index, 'XX', 'GT', string.format('%.0f', expiry), key)
          redis.call('PEXPIRE', index, life, 'GT')
        end
        """;

    /// <summary>
    /// Prolongs a sliding entry that is still the one that was read, and never shortens its life. Returns 1 where that one is there, also when
    /// its life was long enough already. Arguments: the entry's 8-byte stamp; milliseconds to live; optional: the index of its group, which must
    /// live as long, or nothing; and the time from which the life counts, in milliseconds.
    /// </summary>
    public static StoredScript Touch { get; } = new("touch", ProlongMember + "\n" + Late + """

        if #ARGV == 0 then return 0 end
        local head = redis.pcall('GETRANGE', KEYS[1], 0, 9)
        if type(head) ~= 'string' or #head < 10 or string.byte(head, 1) ~= 0xC1 then return 0 end
        local flags = string.byte(head, 2)
        if (flags ~= 2 and flags ~= 3) or string.sub(head, 3) ~= ARGV[1] then return 0 end
        local life = rest(ARGV[2], lateBy(ARGV[4]))
        redis.call('PEXPIRE', KEYS[1], life, 'GT')
        if ARGV[3] and ARGV[3] ~= '' then prolongMember(ARGV[3], KEYS[1], life) end
        return 1
        """);

    /// <summary>
    /// Prolongs a sliding entry by what its own header says. Returns 1 where there is a live sliding entry, also when
    /// its life was long enough already. Arguments, all optional: for how many milliseconds
    /// the refresh was held back; the index of its group, which must live as long, or nothing; and until when it was held back, in milliseconds.
    /// </summary>
    public static StoredScript Refresh { get; } = new("refresh", ProlongMember + "\n" + Late + """

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
        life = life - (tonumber(ARGV[1]) or 0)
        if limit and limit < life then life = limit end
        if life < 1 then return 0 end
        life = rest(string.format('%.0f', life), lateBy(ARGV[3]))
        redis.call('PEXPIRE', KEYS[1], life, 'GT')
        if ARGV[2] and ARGV[2] ~= '' then prolongMember(ARGV[2], KEYS[1], life) end
        return 1
        """);

    /// <summary>
    /// Removes the key without a tombstone, unless a later version is there: what is left to do where the server has no memory for
    /// the new one. Argument: the 8-byte stamp of the version that found no room.
    /// </summary>
    public static StoredScript Evict { get; } = new("evict", IsLater + """

        if #ARGV == 0 or hasLater(KEYS[1], ARGV[1]) then return 0 end
        return redis.call('DEL', KEYS[1])
        """);

    /// <summary>
    /// Writes an entry unless a later one is there, or was: what is replayed after a failover. Of two with the same stamp the greater
    /// string is the later one; Lua compares strings by locale, so their bytes are compared. Returns 1 where the entry is there
    /// now, 0 where a later one is or was, -1 where it is gone and its whole group was removed later, or <see cref="RemovedForLackOfMemory"/>.
    /// Arguments: the stored bytes; milliseconds to live, or nothing; the index of its group, which must live as long, or nothing; the
    /// key of its last stamp; for how many milliseconds that is to be kept, or nothing where the entry itself stays long enough; and, optional,
    /// the time from which the life counts, in milliseconds; the key of its group's removal stamp, where it may be a member, or nothing.
    /// </summary>
    public static StoredScript Replay { get; } = new("replay", ProlongMember + "\n" + IsLater + "\n" + Late + """

        if #ARGV == 0 then return 0 end
        local stored, life, index, last, lastLife, at, removal = unpack(ARGV)
        life = rest(life, lateBy(at))
        local stamp = string.sub(stored, 3, 10)
        if hasLater(KEYS[1], stamp) or hadLater(last, stamp) then return 0 end
        local function written()
          if lastLife ~= '' then redis.call('SET', last, stamp, 'PX', lastLife) end
          return 1
        end
        if stampOf(KEYS[1]) == stamp then
          local old = redis.call('GET', KEYS[1])
          if old == stored then
            if life ~= '' then
              redis.call('PEXPIRE', KEYS[1], life, 'GT')
              if index ~= '' then prolongMember(index, KEYS[1], life) end
            end
            return written()
          end
          for at = 1, math.min(#old, #stored) do
            local a, b = string.byte(old, at), string.byte(stored, at)
            if a > b then return 0 end
            if a < b then break end
            if at == #stored then return 0 end
          end
        end
        local removed = removal and removal ~= '' and redis.call('GET', removal)
        if removed and isLater(removed, 1, stamp) then return -1 end
        local reply
        if life == '' then reply = redis.pcall('SET', KEYS[1], stored)
        else reply = redis.pcall('SET', KEYS[1], stored, 'PX', life) end
        if reply.err then
          if string.sub(reply.err, 1, 3) ~= 'OOM' then return reply end
          redis.call('DEL', KEYS[1])
          return 2
        end
        return written()
        """);
}
