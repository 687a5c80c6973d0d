/// The asks that wait: who, until when, and their places in the lists they stand in.
struct WaitingRoom: Sendable {
    struct Entry: Sendable {
        @Compact var flow: Int
        /// Order of first arrival; a repeated attempt keeps it, and so stands at the front of its flow.
        var sequence: Int64
        /// When it came, or came back.
        var since: Instant
        var deadline: Instant
        /// The limit that held it when it came, or -1.
        @Compact var heldBy: Int
        var reserve: Gate.Reserve
        /// Neighbours among those in line in the flow, -1 at the ends.
        @Compact var before = -1
        @Compact var after = -1
        /// Neighbours among all of the outermost node, by arrival.
        @Compact var older = -1
        @Compact var newer = -1
        /// Neighbours among those whose deadlines came in order.
        @Compact var sooner = -1
        @Compact var later = -1
        var generation: UInt32 = 0
        var isDelayed = false
        var isInOrder = false

        /// What a freed place holds.
        static let freed = Entry(flow: -1, sequence: 0, since: .never, deadline: .never, heldBy: -1, reserve: .none)
    }

    private(set) var entries = Slab<Entry>()
    /// Ends of the list of those whose deadlines came in order, as nearly all do: the queue's timeout is one for all.
    private var soonest = -1
    private var latest = -1
    /// The others.
    private var deadlines = Ranking<Instant>()
    private var delays = Ranking<Instant>()
    private var generation: UInt32 = 0

    var count: Int { entries.count }

    /// Of all that wait, in no particular order.
    var places: [Int] {
        var places = deadlines.members
        var place = soonest
        while place >= 0 {
            places.append(place)
            place = entries[place].later
        }
        return places
    }

    subscript(place: Int) -> Entry {
        _read { yield entries[place] }
        _modify { yield &entries[place] }
    }

    mutating func insert(_ entry: Entry) -> Int {
        generation &+= 1
        var entry = entry
        entry.generation = generation
        entry.isInOrder = latest < 0 || entries[latest].deadline <= entry.deadline
        let place = entries.insert(entry)
        if entry.isInOrder { append(place) } else { deadlines.set(place, key: entry.deadline) }
        return place
    }

    private mutating func append(_ place: Int) {
        entries[place].sooner = latest
        if latest >= 0 { entries[latest].later = place } else { soonest = place }
        latest = place
    }

    private mutating func unlink(_ place: Int) {
        let (sooner, later) = (entries[place].sooner, entries[place].later)
        if sooner >= 0 { entries[sooner].later = later } else { soonest = later }
        if later >= 0 { entries[later].sooner = sooner } else { latest = sooner }
    }

    mutating func remove(_ place: Int) {
        if entries[place].isInOrder { unlink(place) } else { deadlines.remove(place) }
        if entries[place].isDelayed { delays.remove(place) }
        entries.remove(place, leaving: .freed)
    }

    func holds(_ ticket: Ticket) -> Bool {
        ticket.place < entries.capacity && entries[ticket.place].flow >= 0
            && entries[ticket.place].generation == ticket.generation
    }

    func ticket(at place: Int) -> Ticket {
        Ticket(place: place, generation: entries[place].generation)
    }

    mutating func delay(_ place: Int, until instant: Instant) {
        entries[place].isDelayed = true
        delays.set(place, key: instant)
    }

    /// When the delay of an ask is over; `nil` where it has none.
    func due(of place: Int) -> Instant? { delays.key(of: place) }

    /// An ask whose delay is over, no longer delayed.
    mutating func nextDue(now: Instant) -> Int? {
        guard let first = delays.first, first.key <= now else { return nil }
        delays.remove(first.member)
        entries[first.member].isDelayed = false
        return first.member
    }

    /// An ask whose deadline has passed; it stays until removed.
    func nextExpired(now: Instant) -> Int? {
        if soonest >= 0, entries[soonest].deadline <= now { return soonest }
        guard let first = deadlines.first, first.key <= now else { return nil }
        return first.member
    }

    var nextDeadline: Instant {
        let inOrder = soonest >= 0 ? entries[soonest].deadline : .never
        return min(inOrder, deadlines.first?.key ?? .never, delays.first?.key ?? .never)
    }
}

/// Names a waiting ask for as long as it waits.
package struct Ticket: Hashable, Sendable {
    /// Small and dense: below the largest number that ever waited at one time.
    package let place: Int
    let generation: UInt32
}
