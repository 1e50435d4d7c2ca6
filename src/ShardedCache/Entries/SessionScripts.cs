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
    /// those that equal the entry's, and the clearing one less. Returns 1 and by how many microseconds. <c>known</c> is the same for changes of a
    /// session that was there when it was read: where nothing is there any more, nothing is stored, and it returns 0. Optional: the time from
    /// which the life counts, in milliseconds.
    /// </summary>
    public static StoredScript Merge { get; } = new("session-merge", EntryScripts.Late + "\n" + """

        if #ARGV == 0 then return 0 end
        local REMOVED = 4294967295
        local function isLater(aHigh, aLow, bHigh, bLow)
          return aHigh > bHigh or (aHigh == bHigh and aLow > bLow)
        end
        -- Lua compares strings by locale.
        local function isGreater(a, b)
          -- What is replayed is mostly there already, and its bytes need not be walked through.
          if a == b then return false end
          for at = 1, math.min(#a, #b) do
            local x, y = string.byte(a, at), string.byte(b, at)
            if x ~= y then return x > y end
          end
          return #a > #b
        end
        local function head(entry)
          if type(entry) ~= 'string' or #entry < 10 or string.byte(entry, 1) ~= 0xC1 then return nil end
          local flags = string.byte(entry, 2)
          local state = { bytes = entry, window = string.sub(entry, 11, 18) }
          state.high, state.low = struct.unpack('>I4I4', entry, 3)
          if flags == 4 then
            state.clearedHigh, state.clearedLow = state.high, state.low
            state.idHigh, state.idLow, state.id = 0, 0, string.rep('\0', 16)
            state.isTombstone, state.bytes = true, ''
            return state
          end
          if flags ~= 2 or #entry < 51 or string.byte(entry, 19) ~= 1 then return nil end
          state.clearedHigh, state.clearedLow, state.idHigh, state.idLow = struct.unpack('>I4I4I4I4', entry, 20)
          state.id = string.sub(entry, 36, 51)
          return state
        end
        -- False where the entry ends within a key.
        local function each(entry, visit)
          local at = 52
          while at <= #entry do
            if at + 13 > #entry then return false end
            local stampAt = at + 2 + struct.unpack('>I2', entry, at)
            if stampAt + 11 > #entry then return false end
            local high, low, length = struct.unpack('>I4I4I4', entry, stampAt)
            local isRemoved = length == REMOVED
            local last = stampAt + 11 + (isRemoved and 0 or length)
            if last > #entry then return false end
            visit(string.sub(entry, at + 2, stampAt - 1), high, low, isRemoved, at, stampAt + 8, last)
            at = last + 1
          end
          return true
        end

        local new, items, byKey = head(ARGV[1]), {}, {}
        if not new or new.isTombstone or not each(new.bytes, function(key, high, low, isRemoved, _, tailAt, last)
          local item = { key = key, high = high, low = low, isRemoved = isRemoved, tail = string.sub(new.bytes, tailAt, last) }
          items[#items + 1] = item
          byKey[key] = item
        end) then return redis.error_reply('ERR not a session') end
        local time = redis.call('TIME')
        local horizon = math.floor((time[1] * 1000000 + time[2] - ARGV[3] * 1000) / 4194304)
        local raised = 0

        local function raise(old)
          if isLater(new.high, new.low, old.high, old.low) then return end
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
          for _, item in ipairs(items) do
            if item.high == new.high and item.low == new.low then item.high, item.low = high, low end
          end
          new.high, new.low = high, low
        end

        -- Nil where the old entry is cut off.
        local function merge(old, exists)
          local newest = exists and isLater(old.high, old.low, new.high, new.low) and old or new
          local clearedHigh, clearedLow = old.clearedHigh, old.clearedLow
          if isLater(new.clearedHigh, new.clearedLow, clearedHigh, clearedLow) then clearedHigh, clearedLow = new.clearedHigh, new.clearedLow end
          local named = old
          if isLater(new.idHigh, new.idLow, old.idHigh, old.idLow)
            or (new.idHigh == old.idHigh and new.idLow == old.idLow and isGreater(new.id, old.id)) then named = new end
          local parts = {
            string.char(0xC1, 2), struct.pack('>I4I4', newest.high, newest.low), newest.window,
            '\1', struct.pack('>I4I4I4I4', clearedHigh, clearedLow, named.idHigh, named.idLow), named.id
          }
          local function stays(high, low, isRemoved)
            return isLater(high, low, clearedHigh, clearedLow) and not (isRemoved and high < horizon)
          end
          local function add(item)
            if not stays(item.high, item.low, item.isRemoved) then return end
            parts[#parts + 1] = struct.pack('>I2', #item.key)
            parts[#parts + 1] = item.key
            parts[#parts + 1] = struct.pack('>I4I4', item.high, item.low)
            parts[#parts + 1] = item.tail
          end
          -- What stays as it is is copied in as few pieces as may be.
          local from, to
          local function flush()
            if from then parts[#parts + 1] = string.sub(old.bytes, from, to) end
            from = nil
          end
          local known = {}
          local isWhole = each(old.bytes, function(key, high, low, isRemoved, at, tailAt, last)
            local other = byKey[key]
            if other then
              known[key] = true
              if isLater(other.high, other.low, high, low)
                or (other.high == high and other.low == low and isGreater(other.tail, string.sub(old.bytes, tailAt, last))) then
                flush()
                add(other)
                return
              end
            end
            if stays(high, low, isRemoved) then
              from, to = from or at, last
            else
              flush()
            end
          end)
          if not isWhole then return nil end
          flush()
          for _, item in ipairs(items) do
            if not known[item.key] and not (exists and item.high < horizon) then add(item) end
          end
          return table.concat(parts)
        end

        local nothing = { bytes = '', high = 0, low = 0, clearedHigh = 0, clearedLow = 0, idHigh = 0, idLow = 0, id = new.id }
        local old = head(redis.pcall('GET', KEYS[1]))
        local exists = old and not old.isTombstone
        if ARGV[4] == 'known' and not old then return 0 end
        if (ARGV[4] == 'live' or ARGV[4] == 'known') and old then raise(old) end
        local life = rest(ARGV[2], lateBy(ARGV[5]))
        local merged = merge(old or nothing, exists)
        if not merged then
          exists = false
          merged = merge(nothing, false)
        end
        if not exists and ARGV[4] == 'existing' then return 0 end
        if exists and merged == old.bytes then
          redis.call('PEXPIRE', KEYS[1], life, 'GT')
          return 1
        end
        if exists then
          local left = redis.call('PTTL', KEYS[1])
          if left > tonumber(life) then life = string.format('%.0f', left) end
        end
        local reply = redis.pcall('SET', KEYS[1], merged, 'PX', life)
        if reply.err then return reply end
        return 1 + raised
        """);
}
