/// The store's side of the shared limits: one script, run once per turn of a replica, all or nothing.
///
/// A turn is a replica's whole say about one upstream: that it lives, what it holds, what turned out different, and whom
/// it would let go. All times are the store's own, in microseconds since 1970. What each part is for stands in
/// docs/cluster.md; ``ModelStore`` does the same in Swift, and the tests hold the two against each other.
///
/// The keys are those of ``TurnKeys``, the arguments and the answer those of ``TurnCoding``.
package enum TurnScript {
    package static let text = #"""
        local room, members, seen, tags, line, want = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
        local call, max, min = redis.call, math.max, math.min
        local place = 0
        local function word() place = place + 1; return ARGV[place] end
        local function int() return tonumber(word()) end
        local function whole(number) return string.format('%.0f', number) end

        local LEARNING, IMMINENT, DEAD, FORGETTING = 600000, 20000, 14400000, 60000000
        local RETURNING = 500000
        local me, run, known, deadline = word(), word(), word(), word()
        local promise, horizon, clock, leaves, pause = int(), int(), word(), word() == '1', int()

        -- What the room remembers. A replica that knows another room than this one has seen its data get lost; a server
        -- with another name may lack the last moments of the one before it.
        local memory = call('HMGET', room, 'epoch', 'run', 'before', 'born', 'lost', 'now', 'present', 'version',
            'pause', 'calm', 'resumed')
        local epoch, before, lost = memory[1], memory[3], memory[5] == '1'
        local function number(place) return tonumber(memory[place] or 0) end
        local born, present, version, paused, calm = number(4), number(7), number(8), number(9), number(10)
        local resumed = number(11)
        local now
        if clock ~= '' then now = tonumber(clock) else
            local time = call('TIME')
            now = time[1] * 1000000 + time[2]
        end
        now = max(now, number(6))
        if deadline ~= '' and now > tonumber(deadline) then return redis.error_reply('LATE turn') end
        if not epoch then
            epoch, before, born, lost = me .. ':' .. whole(now), known, now, known ~= ''
            -- Who comes without a deadline was away, and so are others that are not here yet and go on by their parts.
            resumed = lost and deadline == '' and now + RETURNING or 0
        elseif memory[2] ~= run or known ~= '' and known ~= epoch and known ~= before then
            born, lost = now, true
            if known ~= epoch then before = known end
        end
        local pauses = {}
        if pause > 0 then
            paused = max(paused, now + pause)
            pauses[1] = whole(paused - now)
        end

        -- Who is here. Who did not come when it had promised to may have lived on its own part.
        local due = call('ZSCORE', seen, me)
        if due and tonumber(due) < now then calm = now end
        if leaves then
            call('ZREM', members, me)
            call('ZREM', seen, me)
            version = version + 1
        else
            call('ZADD', members, 0, me)
            call('ZADD', seen, whole(now + promise), me)
        end
        for _, name in ipairs(call('ZRANGEBYSCORE', seen, '-inf', whole(now - DEAD))) do
            call('ZREM', members, name)
            call('ZREM', seen, name)
            version = version + 1
        end
        local count = call('ZCARD', members)
        local rank = call('ZRANK', members, me) or 0
        -- While some are away everybody goes by the grid whose instants the absent may be using.
        local absent, gone = 0, {}
        for _, name in ipairs(call('ZRANGEBYSCORE', seen, '-inf', '(' .. whole(now))) do
            absent = absent + 1
            gone[call('ZRANK', members, name) or 0] = true
        end
        local function onGrid(cell, time)
            if absent == 0 then return time end
            local place = math.ceil(time / cell.step)
            for _ = 1, count do
                if not gone[place % count] then break end
                place = place + 1
            end
            return math.ceil(place * cell.step)
        end
        for _, name in ipairs(call('ZRANGEBYSCORE', want, '-inf', whole(now))) do
            call('ZREM', want, name); call('ZREM', line, name)
        end

        -- The cells, each brought up to now.
        local cells = {}
        -- What bursts cost, by until when: those of an eighth to a quarter of a span end together.
        local function owed(cell, time)
            local debt, ends = 0, nil
            for till, units in pairs(cell.debts) do
                if till > time then debt, ends = debt + units, min(till, ends or till) end
            end
            return debt, ends
        end
        local function owe(cell, units, till) cell.debts[till] = (cell.debts[till] or 0) + units end
        -- From one unit to the next, or nil and when the first debt ends.
        local function spacing(cell, time)
            local debt, ends = owed(cell, time)
            if debt <= 0 then return cell.gap end
            local rest = cell.units - debt
            if rest < 0.001 then return nil, ends end
            return cell.span / rest
        end
        local function pay(cell, units, start)
            if start >= cell.due or units < 0 then
                local from = units < 0 and cell.due or start
                local usual, ends = spacing(cell, from)
                local length = usual and math.ceil(units * usual)
                if usual and absent > 0 and units > 1 then
                    length = math.ceil(length * count / max(1, count - absent))
                end
                cell.due = usual and from + length or units < 0 and from or ends
                if units < 0 then cell.due = max(now, cell.due) end
                return
            end
            local usual = spacing(cell, start)
            cell.pool = cell.pool - units
            owe(cell, units * cell.ratio, math.ceil((start + cell.span) / cell.slice) * cell.slice)
            local after, ends = spacing(cell, start)
            if after and usual then cell.due = cell.due + math.ceil(after - usual) end
            if not after then cell.due = max(cell.due, ends) end
        end
        local function paced(key)
            local gap = int()
            local cell = { key = key, kind = 'r', gap = gap / 1000, span = int(), burst = int() }
            cell.step = (gap + math.floor(gap / 9) + 1) / 1000
            local more, back, risk = int(), int(), int() / 1000
            cell.units = cell.span / cell.gap
            -- Alike for replicas whose spans differ a little, so that there are few debts.
            cell.slice = 1
            while cell.slice * 8 <= cell.span do cell.slice = cell.slice * 2 end
            cell.ratio = 1 / (1 - min(0.9, cell.burst / cell.units))
            local state = call('HMGET', key, 'due', 'at', 'pool', 'debts')
            local at = tonumber(state[2])
            cell.debts = {}
            if at and at >= born then
                cell.due, cell.pool = tonumber(state[1]), tonumber(state[3])
                -- Nobody has missed what was there before: so nothing was, and the cell began at rest.
                if not lost and at < born + LEARNING and now >= born + LEARNING then
                    cell.pool = cell.pool + max(0, cell.burst - LEARNING / cell.gap)
                end
                for till, units in string.gmatch(state[4], '(%d+) (%S+)') do
                    if tonumber(till) > now then cell.debts[tonumber(till)] = tonumber(units) end
                end
            else
                at, cell.due, cell.pool = now, now, cell.burst
                if now < born + (lost and cell.span or LEARNING) then
                    cell.due, cell.pool = max(now + horizon, resumed) + math.ceil(cell.gap), 0
                    owe(cell, min(risk, cell.burst * cell.ratio), lost and now + cell.span or born + LEARNING)
                end
            end
            if at < calm then
                cell.due, cell.pool, at = max(cell.due, now + math.ceil(cell.gap)), 0, now
            end
            local usual = spacing(cell, now)
            cell.pool = max(0, cell.pool - max(0, min(cell.due, now) - at) / cell.gap)
            if usual then cell.pool = cell.pool + max(0, now - max(cell.due, at)) / usual end
            cell.pool = min(max(0, cell.burst - owed(cell, now) / cell.ratio), cell.pool + back)
            cell.due = max(cell.due, now)
            if more ~= 0 then pay(cell, more, max(cell.due, now)) end
            return cell
        end
        local function counted(key)
            local cell = { key = key, kind = 'f', most = int() }
            local held = int()
            local state = call('HMGET', key, 'version', 'sum', 'h:' .. me)
            cell.sum, cell.held = tonumber(state[2] or 0), held
            if tonumber(state[1]) ~= version then
                cell.sum = 0
                local all = call('HGETALL', key)
                for i = 1, #all, 2 do
                    local name = string.sub(all[i], 1, 2) == 'h:' and string.sub(all[i], 3)
                    if name and (name ~= me or leaves) and not call('ZSCORE', members, name) then
                        call('HDEL', key, all[i])
                    elseif name then
                        cell.sum = cell.sum + tonumber(all[i + 1])
                    end
                end
            end
            if leaves then held = 0 else cell.sum = cell.sum + held - tonumber(state[3] or 0) end
            cell.closed = now < born + LEARNING
            return cell
        end
        local function daily(key)
            local cell = { key = key, kind = 'd', most = int(), day = word(), till = int() }
            local more, told = int(), int()
            cell.used = max(told, tonumber(call('HGET', key, cell.day) or 0)) + more
            cell.closed = now < born + LEARNING
            return cell
        end
        -- By twenty-fourths, each of which is counted until all of it is older than the span.
        local function sliding(key)
            local cell = { key = key, kind = 's', most = int(), span = int(), used = 0, old = {} }
            local more, told = int(), int()
            local length = math.floor(cell.span / 24)
            local oldest
            cell.slot = math.floor(now / length)
            local all = call('HGETALL', key)
            for i = 1, #all, 2 do
                local slot = tonumber(all[i])
                if slot and slot < cell.slot - 24 then
                    cell.old[#cell.old + 1] = all[i]
                elseif slot then
                    cell.used, oldest = cell.used + all[i + 1], min(slot, oldest or slot)
                    if slot == cell.slot then cell.before = tonumber(all[i + 1]) end
                end
            end
            if now >= born + FORGETTING then told = 0 end
            cell.fresh = (cell.before or 0) + max(0, told - cell.used) + more
            cell.used = max(cell.used, told) + more
            cell.till = max(now + horizon + 1, ((oldest or cell.slot) + 25) * length)
            cell.closed = now < born + LEARNING
            return cell
        end
        local kinds = { r = paced, f = counted, d = daily, s = sliding }
        for i = 1, int() do
            local kind, own = word(), word() == '1'
            local stop = int()
            local cell = kinds[kind](KEYS[6 + i])
            cell.own, cell.paused = own, tonumber(call('HGET', cell.key, 'pause') or 0)
            if stop > 0 then
                cell.paused = max(cell.paused, now + stop)
                pauses[#pauses + 1] = whole(cell.paused - now) .. ' ' .. cell.key
            end
            if cell.kind == 'r' and max(paused, cell.paused) > now then
                cell.pool, cell.due = 0, max(cell.due, paused, cell.paused)
            end
            cells[i] = cell
        end

        -- Who may go.
        local poll = min(50000, max(10000, count * 400))
        local grants = {}
        local function opening(list, units)
            local start, own, full = max(now, paused), false, false
            for i, index in ipairs(list) do
                local cell, opens = cells[index], now
                if cell.kind == 'r' then
                    if absent > 0 then
                        opens = onGrid(cell, cell.due)
                    elseif cell.due > now and cell.pool < units[i] then
                        opens = cell.due
                    end
                elseif cell.closed then
                    full, own = true, own or cell.own
                elseif cell.kind == 'f' then
                    if cell.sum + units[i] > cell.most then full, own = true, own or cell.own end
                elseif cell.used + units[i] > cell.most then
                    opens = cell.till
                end
                opens = max(opens, cell.paused)
                if opens > start then start, own = opens, cell.own end
            end
            return start, own, full
        end
        local function charge(list, units, start)
            for i, index in ipairs(list) do
                local cell = cells[index]
                if cell.kind == 'r' then
                    pay(cell, units[i], start)
                elseif cell.kind == 'f' then
                    cell.sum, cell.held = cell.sum + units[i], cell.held + units[i]
                else
                    cell.used = cell.used + units[i]
                    if cell.kind == 's' then cell.fresh = cell.fresh + units[i] end
                end
            end
        end
        local function scarce(list)
            local waiting = call('ZCARD', line)
            for _, index in ipairs(list) do
                local cell = cells[index]
                if cell.kind == 'f' and cell.most - cell.sum <= waiting then return true end
            end
            return false
        end
        for _ = 1, int() do
            local name, step, list = word(), int() / 1000, {}
            for i = 1, int() do list[i] = int() end
            local items, given, retry, held = int(), {}, 0, false
            local tag = tonumber(call('ZSCORE', tags, name) or 0)
            if not call('ZSCORE', want, name) then tag = max(tag, present) end
            local least
            local first = call('ZRANGE', line, 0, 1, 'WITHSCORES')
            for i = 1, #first, 2 do
                if first[i] ~= name and not least then least = tonumber(first[i + 1]) end
            end
            for _ = 1, items do
                local units = {}
                for i = 1, #list do units[i] = int() end
                if retry == 0 then
                    local start, own, full = opening(list, units)
                    local ahead = least and tag > least + step
                    if full then
                        retry, held = poll, own
                    elseif start > now + horizon then
                        retry, held = start - now - horizon, own
                    elseif ahead and start > now + IMMINENT then
                        retry = start - now - IMMINENT
                    elseif ahead and scarce(list) then
                        retry = poll
                    else
                        charge(list, units, start)
                        given[#given + 1] = start - now
                        present, tag = max(present, tag), tag + step
                    end
                end
            end
            call('ZADD', tags, tag, name)
            local fresh = whole(now + min(retry, 1000000) + 100000)
            call('ZADD', want, fresh, name)
            if retry > 0 and not held then call('ZADD', line, tag, name) else call('ZREM', line, name) end
            grants[#grants + 1] = { given, retry }
        end
        call('ZREMRANGEBYSCORE', tags, '-inf', '(' .. whole(present - 1000000))

        -- What is remembered, and what is said.
        local answer = { epoch, now, count, rank, absent, max(0, paused - now) }
        for _, cell in ipairs(cells) do
            if cell.kind == 'r' then
                local debts = {}
                for till, units in pairs(cell.debts) do debts[#debts + 1] = whole(till) .. ' ' .. units end
                call('HSET', cell.key, 'due', whole(cell.due), 'at', whole(now), 'pool', cell.pool,
                    'debts', table.concat(debts, ' '), 'pause', whole(cell.paused))
                call('PEXPIRE', cell.key, math.ceil(cell.span / 500) + 60000)
                answer[#answer + 1] = cell.due - now
                answer[#answer + 1] = math.ceil(owed(cell, now) * 1000)
                answer[#answer + 1] = math.ceil(cell.pool * 1000)
            elseif cell.kind == 'f' then
                call('HSET', cell.key, 'version', version, 'sum', cell.sum, 'pause', whole(cell.paused))
                if not leaves then call('HSET', cell.key, 'h:' .. me, cell.held) end
                call('PEXPIRE', cell.key, 86400000)
                answer[#answer + 1] = cell.sum
                answer[#answer + 1] = cell.held
                answer[#answer + 1] = 0
            elseif cell.kind == 's' then
                for _, slot in ipairs(cell.old) do call('HDEL', cell.key, slot) end
                call('HSET', cell.key, whole(cell.slot), whole(cell.fresh), 'pause', whole(cell.paused))
                call('PEXPIRE', cell.key, math.ceil(cell.span / 900))
                answer[#answer + 1] = max(0, cell.used)
                answer[#answer + 1] = 0
                answer[#answer + 1] = 0
            else
                call('HSET', cell.key, cell.day, cell.used, 'pause', whole(cell.paused))
                call('PEXPIRE', cell.key, 200000000)
                answer[#answer + 1] = cell.used
                answer[#answer + 1] = max(0, cell.till - now)
                answer[#answer + 1] = 0
            end
            answer[#answer + 1] = max(0, cell.paused - now)
        end
        for _, grant in ipairs(grants) do
            answer[#answer + 1] = #grant[1]
            for _, delay in ipairs(grant[1]) do answer[#answer + 1] = delay end
            answer[#answer + 1] = grant[2]
        end
        call('HSET', room, 'epoch', epoch, 'run', run, 'before', before or '', 'born', whole(born), 'lost',
            lost and '1' or '0', 'now', whole(now), 'present', present, 'version', version, 'pause', whole(paused),
            'calm', whole(calm), 'resumed', whole(resumed))
        for i = 1, 6 do call('PEXPIRE', KEYS[i], 86400000) end
        -- For instants that were given already. Who may not publish learns of it a turn later.
        for _, news in ipairs(pauses) do redis.pcall('PUBLISH', room, news) end
        return answer
        """#
}
