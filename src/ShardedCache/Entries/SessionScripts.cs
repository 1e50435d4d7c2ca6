using ShardedCache.Connections;

namespace ShardedCache.Entries;

/// <summary>The Lua script over a session's entry: <see cref="SessionState.Merge"/> on the server, where no other client comes between.</summary>
internal static class SessionScripts
{
    /// <summary>
    /// Merges a state, or what a request has changed of one, into the stored one, and prolongs its life. A tombstone counts as a
    /// clearing; what is no session is replaced. Returns 0 where there is no session and none was to be made, else 1. Where the server has
    /// no memory it says so, and what is stored stays.
    /// Arguments: an entry with the state; milliseconds to live; for how many milliseconds removed keys are remembered; and how:
    /// <c>replay</c>; <c>existing</c>, where no session is to be made; or <c>live</c>, for changes that arrive now and are therefore later
    /// than all that is stored, whatever another client's clock has made of that. Their stamps are then raised where they have to be:
    /// those that equal the entry's, and the clearing one less. Returns 1 and by how many microseconds.
    /// </summary>
    public static StoredScript Merge { get; } = new("session-merge", """
        if #ARGV == 0 then return 0 end
        local REMOVED = 4294967295
        local function isLater(aHigh, aLow, bHigh, bLow)
          return aHigh > bHigh or (aHigh == bHigh and aLow > bLow)
        end
        -- Lua compares strings by locale.
        local function isGreater(a, b)
          for at = 1, math.min(#a, #b) do
            local x, y = string.byte(a, at), string.byte(b, at)
            if x ~= y then return x > y end
          end
          return #a > #b
        end
        local function read(entry)
          if type(entry) ~= 'string' or #entry < 10 or string.byte(entry, 1) ~= 0xC1 then return nil end
          local flags = string.byte(entry, 2)
          local state = { items = {}, byKey = {}, bytes = entry }
          state.high, state.low = struct.unpack('>I4I4', entry, 3)
          state.window = string.sub(entry, 11, 18)
          if flags == 4 then
            state.clearedHigh, state.clearedLow = state.high, state.low
            state.idHigh, state.idLow, state.id = 0, 0, string.rep('\0', 16)
            state.isTombstone = true
            return state
          end
          if flags ~= 2 or #entry < 51 or string.byte(entry, 19) ~= 1 then return nil end
          state.clearedHigh, state.clearedLow, state.idHigh, state.idLow = struct.unpack('>I4I4I4I4', entry, 20)
          state.id = string.sub(entry, 36, 51)
          local at = 52
          while at <= #entry do
            if at + 13 > #entry then return nil end
            local size = struct.unpack('>I2', entry, at)
            local stampAt = at + 2 + size
            if stampAt + 11 > #entry then return nil end
            local item = { key = string.sub(entry, at + 2, stampAt - 1) }
            local length
            item.high, item.low, length = struct.unpack('>I4I4I4', entry, stampAt)
            item.isRemoved = length == REMOVED
            at = stampAt + 12 + (item.isRemoved and 0 or length)
            if at - 1 > #entry then return nil end
            item.tail = string.sub(entry, stampAt + 8, at - 1)
            state.byKey[item.key] = item
            state.items[#state.items + 1] = item
          end
          return state
        end

        local old, new = read(redis.pcall('GET', KEYS[1])), read(ARGV[1])
        if not new then return redis.error_reply('ERR not a session') end
        local exists = old and not old.isTombstone
        if not exists and ARGV[4] == 'existing' then return 0 end
        old = old or { items = {}, byKey = {}, high = 0, low = 0, clearedHigh = 0, clearedLow = 0, idHigh = 0, idLow = 0, id = new.id }
        local time = redis.call('TIME')
        local horizon = math.floor((time[1] * 1000000 + time[2] - ARGV[3] * 1000) / 4194304)

        local raised = 0
        if ARGV[4] == 'live' and not isLater(new.high, new.low, old.high, old.low) then
          local high, micros = old.high, math.floor(old.low / 1024) + 1
          if micros == 4194304 then high, micros = high + 1, 0 end
          local low = micros * 1024 + new.low % 1024
          raised = (high - new.high) * 4194304 + micros - math.floor(new.low / 1024)
          local function before(high, low)
            if low == 0 then return high - 1, 4294967295 end
            return high, low - 1
          end
          local beforeHigh, beforeLow = before(new.high, new.low)
          if new.clearedHigh == beforeHigh and new.clearedLow == beforeLow then new.clearedHigh, new.clearedLow = before(high, low) end
          for _, item in ipairs(new.items) do
            if item.high == new.high and item.low == new.low then item.high, item.low = high, low end
          end
          new.high, new.low = high, low
        end

        local newest = isLater(old.high, old.low, new.high, new.low) and exists and old or new
        local clearedHigh, clearedLow = old.clearedHigh, old.clearedLow
        if isLater(new.clearedHigh, new.clearedLow, clearedHigh, clearedLow) then clearedHigh, clearedLow = new.clearedHigh, new.clearedLow end
        local named = old
        if isLater(new.idHigh, new.idLow, old.idHigh, old.idLow)
          or (new.idHigh == old.idHigh and new.idLow == old.idLow and isGreater(new.id, old.id)) then named = new end

        local parts = {
          string.char(0xC1, 2), struct.pack('>I4I4', newest.high, newest.low), newest.window,
          '\1', struct.pack('>I4I4I4I4', clearedHigh, clearedLow, named.idHigh, named.idLow), named.id
        }
        local function add(item)
          if not isLater(item.high, item.low, clearedHigh, clearedLow) or (item.isRemoved and item.high < horizon) then return end
          parts[#parts + 1] = struct.pack('>I2', #item.key)
          parts[#parts + 1] = item.key
          parts[#parts + 1] = struct.pack('>I4I4', item.high, item.low)
          parts[#parts + 1] = item.tail
        end
        for _, item in ipairs(old.items) do
          local other = new.byKey[item.key]
          if other and (isLater(other.high, other.low, item.high, item.low)
            or (other.high == item.high and other.low == item.low and isGreater(other.tail, item.tail))) then item = other end
          add(item)
        end
        for _, item in ipairs(new.items) do
          if not old.byKey[item.key] and not (exists and item.high < horizon) then add(item) end
        end

        local merged = table.concat(parts)
        if exists and merged == old.bytes then
          redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')
          return 1
        end
        local life = ARGV[2]
        if exists then
          local left = redis.call('PTTL', KEYS[1])
          if left > tonumber(life) then life = string.format('%.0f', left) end
        end
        local reply = redis.pcall('SET', KEYS[1], merged, 'PX', life)
        if reply.err then return reply end
        return 1 + raised
        """);
}
