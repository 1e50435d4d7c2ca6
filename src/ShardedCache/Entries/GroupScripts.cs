using ShardedCache.Connections;

namespace ShardedCache.Entries;

/// <summary>
/// The Lua scripts over the keys of one group. KEYS[1] is the group's member index, a sorted set of full keys scored by when they
/// expire; the other keys are arguments, which all carry the same hash tag. Both scripts leave the index clean and expiring with the
/// last of its members.
/// </summary>
internal static class GroupScripts
{
    /// <summary>
    /// Writes and removes members. Returns 1, 0 where a later member stays, or -1 where the whole group was removed later. Arguments: where what
    /// is later stays the time from which lives count, in milliseconds, else 0; the key of the group's removal stamp; the stamp; then for each member
    /// its key, its stored bytes, and its milliseconds to live or nothing, the key of its last stamp, and for how many milliseconds that is kept or
    /// nothing.
    /// </summary>
    public static StoredScript Write { get; } = new("group-write", EntryScripts.IsLater + "\n" + EntryScripts.Rest + """

        if #ARGV == 0 then return 0 end
        local guard, stamp = ARGV[1] ~= '0' and ARGV[1], ARGV[3]
        if guard then
          local removed = redis.call('GET', ARGV[2])
          if removed and isLater(removed, 1, stamp) then return -1 end
        end
        local time = redis.call('TIME')
        local now, written = time[1] * 1000 + math.floor(time[2] / 1000), 1
        local late = guard and now - guard or 0
        for at = 4, #ARGV, 5 do
          local key, bytes, life, last, lastLife = unpack(ARGV, at, at + 4)
          life = rest(life, late)
          local own = string.sub(bytes, 3, 10)
          if guard and (hasLater(key, own) or hadLater(last, own)) then
            written = 0
          elseif guard and life ~= '' and string.byte(bytes, 2) ~= 4 and redis.pcall('GET', key) == bytes then
            redis.call('PEXPIRE', key, life, 'GT')
            redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', now + life), key)
          else
            if lastLife ~= '' then redis.call('SET', last, own, 'PX', lastLife) end
            if life == '' then redis.call('SET', key, bytes) else redis.call('SET', key, bytes, 'PX', life) end
            if string.byte(bytes, 2) == 4 then redis.call('ZREM', KEYS[1], key)
            elseif life == '' then redis.call('ZADD', KEYS[1], '+inf', key)
            else redis.call('ZADD', KEYS[1], string.format('%.0f', now + life), key) end
          end
        end
        for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 100)) do
          local life = redis.call('PTTL', key)
          if life == -2 then redis.call('ZREM', KEYS[1], key)
          else redis.call('ZADD', KEYS[1], life < 0 and '+inf' or string.format('%.0f', now + life), key) end
        end
        local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
        if last[2] == 'inf' then redis.call('PERSIST', KEYS[1])
        elseif last[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last[2])) end
        return written
        """);

    /// <summary>
    /// Removes every member, and leaves the stamp of that for as long as a tombstone lives. Returns how many were removed. Arguments: as
    /// for <see cref="Write"/> whether what is later stays; the key of the group's removal stamp; the stamp; a tombstone; its milliseconds to live.
    /// </summary>
    public static StoredScript RemoveAll { get; } = new("group-remove-all", EntryScripts.IsLater + """

        if #ARGV == 0 then return 0 end
        local guard, stamp, count = ARGV[1] ~= '0', ARGV[3], 0
        for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
          if not (guard and hasLater(key, stamp)) then
            redis.call('SET', key, ARGV[4], 'PX', ARGV[5])
            redis.call('ZREM', KEYS[1], key)
            count = count + 1
          end
        end
        local removed = redis.call('GET', ARGV[2])
        if not (removed and isLater(removed, 1, stamp)) then redis.call('SET', ARGV[2], stamp, 'PX', ARGV[5]) end
        return count
        """);
}
