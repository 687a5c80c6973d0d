import DequeModule

/// Remembers what was sent within the last stretch of time, so that no such stretch ever holds more than a capacity.
///
/// Exact for capacities up to ``exactCapacity``; above it, sends of one grain (a 4096th of the width) count as sent at
/// the grain's end, which errs towards waiting and bounds the memory.
struct SendLog {
    static let exactCapacity = 4096

    /// How long a send is remembered. What has been dropped stays so when it grows.
    var width: Interval
    /// May be lowered and raised; the grain stays that of the first.
    var capacity: Int
    private let grain: Int64
    private var entries: Deque<(sentAt: Int64, units: Int)> = []
    /// What was sent at or before this has been dropped.
    private var dropped = Int64.min
    /// All that was sent behind this instant is remembered.
    private(set) var remembersSince = Instant(nanoseconds: .min)
    private(set) var total = 0

    init(width: Interval, capacity: Int) {
        self.width = width
        self.capacity = capacity
        self.grain = capacity <= Self.exactCapacity ? 1 : max(1, width.nanoseconds / Int64(Self.exactCapacity))
    }

    /// A log that already knows what another one remembers.
    init(width: Interval, capacity: Int, from other: SendLog, now: Instant) {
        self.init(width: width, capacity: capacity)
        fill(from: other, now: now)
    }

    mutating func fill(from other: SendLog, now: Instant) {
        for entry in other.entries { record(entry.units, at: Instant(nanoseconds: entry.sentAt)) }
        remembersSince = max(remembersSince, other.remembersSince)
        expire(now: now)
    }

    /// A log of coarse grains.
    init(width: Interval, grains: Int) {
        (self.width, capacity) = (width, .max)
        grain = max(1, width.nanoseconds / Int64(grains))
    }

    /// Units recorded behind one instant and up to another. Those of a grain that an end falls into are all counted.
    func units(from start: Instant, to end: Instant) -> Int {
        let (first, last) = (start.nanoseconds, stamp(end))
        return entries.reduce(0) { $1.sentAt > first && $1.sentAt <= last ? $0 + $1.units : $0 }
    }

    /// The earliest instant, `now` or later, at which so many more units fit. More than the capacity count as all of it.
    func earliest(for units: Int, now: Instant) -> Instant {
        var excess = total + min(units, capacity) - capacity
        guard excess > 0 else { return now }
        for entry in entries {
            excess -= entry.units
            if excess <= 0 { return max(now, Instant(nanoseconds: entry.sentAt) + width) }
        }
        return .never
    }

    /// A lower bound for when so many units fit that have so many others before them.
    func earliest(for units: Int, behind others: Int, now: Instant) -> Instant {
        earliest(for: others % capacity + units, now: now) + width * (others / capacity)
    }

    /// Mostly at or after what was recorded last; departures that were put off lie ahead of what is sent meanwhile.
    mutating func record(_ units: Int, at instant: Instant) {
        let sentAt = stamp(instant)
        total += units
        var index = entries.endIndex
        while index > entries.startIndex, entries[index - 1].sentAt > sentAt { index -= 1 }
        if index > entries.startIndex, entries[index - 1].sentAt == sentAt {
            entries[index - 1].units += units
        } else {
            entries.insert((sentAt, units), at: index)
        }
    }

    /// Takes back what was recorded for this instant; nothing where it has already left the log.
    mutating func forget(_ units: Int, at instant: Instant) {
        let sentAt = stamp(instant)
        guard sentAt > dropped else { return }
        var index = entries.endIndex
        while index > entries.startIndex, entries[index - 1].sentAt >= sentAt { index -= 1 }
        var left = units
        // What was charged later for the same attempt follows.
        while left > 0, index < entries.endIndex {
            let taken = min(left, entries[index].units)
            left -= taken
            total -= taken
            entries[index].units -= taken
            if entries[index].units == 0 { entries.remove(at: index) } else { index += 1 }
        }
    }

    /// When the next unit would be due if there had been nothing but what was sent at an instant and after it.
    func due(after instant: Instant, spacing: Interval) -> Instant {
        var index = entries.endIndex
        while index > entries.startIndex, entries[index - 1].sentAt >= stamp(instant) { index -= 1 }
        var due = Instant(nanoseconds: .min)
        for entry in entries[index...] {
            // A grain's sends count as sent at its end; they were no earlier than its beginning.
            let sentAt = Instant(nanoseconds: grain > 1 ? entry.sentAt - grain : entry.sentAt)
            due = max(due, sentAt) + spacing * entry.units
        }
        return due
    }

    /// Drops what is older than the width.
    mutating func expire(now: Instant) {
        dropped = max(dropped, (now - width).nanoseconds)
        while let first = entries.first, first.sentAt <= dropped {
            total -= first.units
            remembersSince = max(remembersSince, Instant(nanoseconds: first.sentAt))
            entries.removeFirst()
        }
    }

    /// When the log will be empty if nothing more is sent.
    func emptyAt(now: Instant) -> Instant {
        guard let last = entries.last else { return now }
        return Instant(nanoseconds: last.sentAt) + width
    }

    private func stamp(_ instant: Instant) -> Int64 {
        guard grain > 1 else { return instant.nanoseconds }
        let index = instant.nanoseconds / grain
        return (index + 1) * grain
    }
}
