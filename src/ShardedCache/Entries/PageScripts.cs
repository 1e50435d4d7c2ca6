using ShardedCache.Connections;

namespace ShardedCache.Entries;

/// <summary>
/// The Lua scripts over cached pages and the tags that lead to them. A page is an entry whose payload begins with a table of its tags,
/// each with the bucket that its membership lies in (<see cref="PageFormat"/>); a bucket is a sorted set of at most 500 pages, scored by
/// when they expire. The scripts leave no key that does not expire.
/// </summary>
internal static class PageScripts
{
    // A tag's state is the text 'low high closed sweep whole': the buckets low to high may hold something; those below closed are being
    // evicted, and take no new members; sweep is the one that is cleaned next; of those below whole every page goes, later stamps or not.
    private const string Common = EntryScripts.IsLater + """

        local root = ARGV[1]
        local function stateKey(tag) return root .. 'tag:' .. tag end
        local function bucketKey(tag, number) return root .. 'tag-pages:' .. number .. ':' .. tag end
        local function readState(tag)
          local stored = redis.pcall('GET', stateKey(tag))
          local low, high, closed, sweep, whole = string.match(type(stored) == 'string' and stored or '', '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
          if not low then return nil end
          return {
            low = tonumber(low), high = tonumber(high), closed = tonumber(closed), sweep = tonumber(sweep), whole = tonumber(whole), stored = stored
          }
        end
        local function saveState(tag, state)
          local text = string.format('%d %d %d %d %d', state.low, state.high, state.closed, state.sweep, state.whole)
          if text ~= state.stored then redis.call('SET', stateKey(tag), text, 'KEEPTTL') end
        end
        local function openBucket(tag, state)
          while redis.call('ZCARD', bucketKey(tag, state.high)) >= 500 do state.high = state.high + 1 end
          return state.high
        end
        local function liveUntil(key, time)
          local expiry = string.format('%.0f', time)
          if redis.call('PEXPIREAT', key, expiry, 'GT') == 0 and redis.call('PTTL', key) == -1 then redis.call('PEXPIREAT', key, expiry) end
        end
        -- A server frees all sets that expire within a tenth of a second in one go, and serves nobody meanwhile: so those of a large tag
        -- outlive their last page by up to two minutes, one after the other.
        local function keepIndex(tag, state, number, time)
          liveUntil(bucketKey(tag, number), time + (number - state.low) % 2000 * 60)
          liveUntil(stateKey(tag), time + math.min(state.high - state.low, 2000) * 60)
        end
        -- Its stamp, and its tags one after the other: the tag, its bucket, where that is stored. Most tables fit into the first read.
        local function readPage(key)
          local bytes = redis.pcall('GETRANGE', key, 0, 127)
          if type(bytes) ~= 'string' or #bytes < 10 or string.byte(bytes, 1) ~= 0xC1 then return nil end
          local flags = string.byte(bytes, 2)
          if flags > 4 then return nil end
          local page = { stamp = string.sub(bytes, 3, 10), tags = {} }
          if flags == 4 then return page end
          local at = 11 + ((flags == 1 or flags == 3) and 8 or 0) + (flags >= 2 and 8 or 0)
          if #bytes < at + 3 then return page end
          local stop = at + 4 + struct.unpack('>I4', bytes, at)
          if stop > #bytes + 1 then bytes = redis.call('GETRANGE', key, 0, stop - 2) end
          if stop > #bytes + 1 then return page end
          at = at + 4
          while at + 6 <= stop do
            local bucket, length = struct.unpack('>I4I2', bytes, at)
            local tag = string.sub(bytes, at + 6, at + 5 + length)
            local count = #page.tags
            page.tags[count + 1], page.tags[count + 2], page.tags[count + 3] = tag, bucket, at - 1
            at = at + 6 + length
          end
          return page
        end
        """;

    /// <summary>
    /// Writes a page together with its memberships, and ends those of tags that it had and has no more. A tombstone in place of the
    /// header removes it, and so does a tag that was evicted later. Returns 1, 0 where something later forbids it, 2 where there is
    /// no memory for it and the page was removed. KEYS[1] is the page's key. Arguments: what the store's own keys begin with; 1 where
    /// a later page stays; the header; milliseconds to live; those of a tombstone; the body; the tags, each once.
    /// </summary>
    public static StoredScript Set { get; } = new("page-set", """
        if #ARGV == 0 then return 0 end

        """ + Common + """

        local key, head, life, body = KEYS[1], ARGV[3], ARGV[4], ARGV[6]
        local stamp, isRemoval, isRefused = string.sub(head, 3, 10), string.byte(head, 2) == 4, false
        local member = string.sub(key, #root + 6)
        local old = readPage(key)
        for at = 7, #ARGV do
          local evicted = redis.call('GET', root .. 'tag-evicted:' .. ARGV[at])
          isRefused = isRefused or (evicted and isLater(evicted, 1, stamp))
        end
        if old and (ARGV[2] == '1' or isRefused) and isLater(old.stamp, 1, stamp) then return 0 end
        if old and isRemoval and old.stamp == stamp then return 1 end
        local function leave(tag, number) redis.call('ZREM', bucketKey(tag, number), member) end
        if isRemoval or isRefused then
          redis.call('DEL', key)
          redis.call('SET', key, string.char(0xC1, 4) .. stamp, 'PX', ARGV[5])
          for at = 1, old and #old.tags or 0, 3 do leave(old.tags[at], old.tags[at + 1]) end
          return isRefused and 0 or 1
        end

        local had = {}
        for at = 1, old and #old.tags or 0, 3 do had[old.tags[at]] = old.tags[at + 1] end
        local states, buckets, parts = {}, {}, {}
        for at = 7, #ARGV do
          local tag = ARGV[at]
          local state = readState(tag) or { low = 0, high = 0, closed = 0, sweep = 0, whole = 0 }
          local bucket = had[tag]
          local isOpen = bucket and bucket >= state.low and bucket >= state.closed and bucket <= state.high
          if not isOpen or not redis.call('ZSCORE', bucketKey(tag, bucket), member) then
            bucket = openBucket(tag, state)
          end
          states[at], buckets[at] = state, bucket
          parts[#parts + 1] = struct.pack('>I4I2', bucket, #tag)
          parts[#parts + 1] = tag
        end
        local table_ = table.concat(parts)
        local reply = redis.pcall('SET', key, table.concat({ head, struct.pack('>I4', #table_), table_, body }), 'PX', life)
        if reply.err then
          if string.sub(reply.err, 1, 3) ~= 'OOM' then return reply end
          redis.call('DEL', key)
          for tag, bucket in pairs(had) do leave(tag, bucket) end
          return 2
        end
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local expiry = now + life
        local score = string.format('%.0f', expiry)
        now = string.format('%.0f', now)
        for at = 7, #ARGV do
          local tag, state, bucket = ARGV[at], states[at], buckets[at]
          if had[tag] == bucket then had[tag] = nil end
          redis.call('ZADD', bucketKey(tag, bucket), score, member)
          local swept = bucketKey(tag, state.sweep)
          local expired = redis.call('ZRANGEBYSCORE', swept, '-inf', now, 'LIMIT', 0, 8)
          if #expired > 0 then redis.call('ZREM', swept, unpack(expired)) end
          if #expired < 8 and state.low < state.high then
            if state.sweep <= state.low and redis.call('ZCARD', bucketKey(tag, state.low)) == 0 then state.low = state.low + 1 end
            state.sweep = (state.sweep < state.high and state.sweep >= state.low) and state.sweep + 1 or state.low
          end
          saveState(tag, state)
          keepIndex(tag, state, bucket, expiry)
        end
        for tag, bucket in pairs(had) do leave(tag, bucket) end
        return 1
        """);

    /// <summary>
    /// One step of an eviction: takes members out of the buckets that were begun before it, and removes the pages that still carry
    /// the tag. Returns 1 where more is to be done. KEYS[1] is the key of the tag's eviction. Arguments: what the store's own keys begin with;
    /// the tag; the stamp; the milliseconds for which that stays; how many memberships the step may touch, about; and which step it is. The
    /// <c>first</c> one closes the buckets and leaves the eviction's stamp, which forbids older pages; what is in these buckets was
    /// written before, whatever another client's clock has made of that, and goes with the <c>next</c> ones. A step of a <c>replay</c>
    /// may come after pages that were written after the eviction: where it is the first of its stamp it closes the buckets as well, and pages
    /// with later stamps stay.
    /// </summary>
    public static StoredScript Evict { get; } = new("tag-evict", """
        if #ARGV == 0 then return 0 end

        """ + Common + """

        local tag, stamp, budget, isFirst = ARGV[2], ARGV[3], tonumber(ARGV[5]), ARGV[6] == 'first'
        local state = readState(tag)
        local evicted = redis.call('GET', KEYS[1])
        local isKnown = evicted and not isLater(stamp, 1, evicted)
        if isKnown then stamp = evicted end
        if isFirst or not isKnown then
          redis.call('DEL', KEYS[1])
          redis.call('SET', KEYS[1], stamp, 'PX', ARGV[4])
          if state then
            state.high = state.high + 1
            state.closed = state.high
            if isFirst then state.whole = state.closed end
          end
        end
        if not state then return 0 end
        while state.low < state.closed and budget > 0 do
          local bucket = bucketKey(tag, state.low)
          local members = redis.call('ZRANGE', bucket, 0, budget - 1, 'WITHSCORES')
          if #members == 0 then
            state.low = state.low + 1
            budget = budget - 1
          end
          local taken, gone = {}, {}
          for at = 1, #members, 2 do
            if budget <= 0 then break end
            local member, score = members[at], members[at + 1]
            local key = root .. 'page:' .. member
            local page = readPage(key)
            local tags, own = page and page.tags or {}, nil
            for i = 1, #tags, 3 do
              if tags[i] == tag then own = i end
            end
            local isHere = own and tags[own + 1] == state.low
            if own and isLater(page.stamp, 1, stamp) and not (isHere and state.low < state.whole) then
              if isHere then
                local number = openBucket(tag, state)
                redis.call('ZADD', bucketKey(tag, number), score, member)
                keepIndex(tag, state, number, tonumber(score))
                redis.call('SETRANGE', key, tags[own + 2], struct.pack('>I4', number))
              end
            elseif own then
              gone[#gone + 1] = key
              for i = 1, #tags, 3 do
                if i ~= own then
                  redis.call('ZREM', bucketKey(tags[i], tags[i + 1]), member)
                  budget = budget - 1
                end
              end
            end
            taken[#taken + 1] = member
            budget = budget - 1
          end
          if #gone > 0 then redis.call('DEL', unpack(gone)) end
          if #taken > 0 then redis.call('ZREM', bucket, unpack(taken)) end
        end
        if state.low == state.high and redis.call('ZCARD', bucketKey(tag, state.high)) == 0 then
          redis.call('DEL', stateKey(tag))
          return 0
        end
        saveState(tag, state)
        return state.low < state.closed and 1 or 0
        """);
}
