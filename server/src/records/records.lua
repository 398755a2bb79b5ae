-- Records in Redis. Each call is one of the commands below and runs alone, so that a write is compared, numbered,
-- kept, indexed and hinted at in one step, whatever other nodes do.
--
-- A record is a hash: e(poch), v(ersion), t (when it changed, in milliseconds by Redis's clock), s (the value). Without
-- `s` it is a tombstone, which Redis lets expire. The index sorts the records that are there by `t`.
--
-- KEYS: index, epoch, and the record or, to sweep, what the names of records begin with.
-- ARGV: the command, the channel of hints, the time to live in milliseconds, the record's key, what the command takes.
local index, latest_epoch, record = KEYS[1], KEYS[2], KEYS[3]
local channel, time_to_live, key = ARGV[2], ARGV[3], ARGV[4]

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function text(number)
    return string.format('%.0f', number)
end

local function hint(of, epoch, version, gone)
    redis.call('PUBLISH', channel, '1 ' .. epoch .. ' ' .. version .. ' ' .. gone .. ' ' .. of)
end

-- Past all lines of versions that there were. Begun at the clock, so that it is later than all that a Redis knew which
-- has lost its memory.
local function epoch_now()
    local epoch = redis.call('GET', latest_epoch)
    if not epoch then
        epoch = text(now)
        redis.call('SET', latest_epoch, epoch)
    end
    return epoch
end

local function bury(name, of)
    local known = redis.call('HMGET', name, 'e', 'v', 't')
    redis.call('HDEL', name, 's')
    redis.call('HSET', name, 't', text(math.max(now, tonumber(known[3]))))
    redis.call('PEXPIRE', name, time_to_live)
    redis.call('ZREM', index, of)
    hint(of, known[1], known[2], 1)
end

local function get()
    local known = redis.call('HMGET', record, 'e', 'v', 't', 's')
    if known[1] then
        return known
    end
    return { epoch_now(), '-1', '0', false }
end

local function put()
    local value, expected = ARGV[5], ARGV[6]
    local known = redis.call('HMGET', record, 'e', 'v', 't')
    local there = redis.call('HEXISTS', record, 's') == 1
    if expected and tonumber(expected) ~= (there and tonumber(known[2]) or 0) then
        return false
    end
    local epoch, version
    if known[1] then
        epoch, version = known[1], text(tonumber(known[2]) + 1)
        now = math.max(now, tonumber(known[3]))
    else
        epoch, version = text(math.max(tonumber(epoch_now()) + 1, now)), '1'
        redis.call('SET', latest_epoch, epoch)
    end
    redis.call('HSET', record, 'e', epoch, 'v', version, 't', text(now), 's', value)
    redis.call('PERSIST', record)
    redis.call('ZADD', index, text(now), key)
    hint(key, epoch, version, 0)
    return { epoch, version, text(now) }
end

local function delete()
    if redis.call('HEXISTS', record, 's') == 1 then
        bury(record, key)
    end
    return get()
end

-- Says how many were swept, and how many of the index were looked at.
local function sweep()
    local limit = text(now - tonumber(time_to_live))
    local due = redis.call('ZRANGEBYSCORE', index, '-inf', limit, 'LIMIT', 0, ARGV[5])
    local swept = 0
    for _, of in ipairs(due) do
        if redis.call('HEXISTS', record .. of, 's') == 1 then
            bury(record .. of, of)
            swept = swept + 1
        else
            redis.call('ZREM', index, of)
        end
    end
    return { swept, #due }
end

local commands = { get = get, put = put, delete = delete, sweep = sweep }
return commands[ARGV[1]]()
