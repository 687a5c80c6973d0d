/// Which of an unbounded number of names may stand in a label: the most active ones, at most ``capacity`` of them.
///
/// A name gets a place while one is free. After that a newcomer must have been noted four times, and more than twice as
/// often as the least active holder of a place, so that names which come once never push anyone out. Activity halves
/// every ``halfLife``, which lets the tenants of yesterday go. Candidates are counted by Misra and Gries' frequent-items
/// algorithm ("Finding repeated elements", 1982): bounded memory, constant amortised cost, and counts that are never too
/// high. Time is an argument; equal calls give equal answers.
package struct TopNames: Sendable {
    /// What stands in the label of every other name.
    package static let other = "other"
    /// Longer names (in UTF-8 bytes) count as `other`, so that memory is bounded in bytes too.
    package static let longestName = 128
    private static let leastActivity = 4

    /// The answer for one name.
    package struct Place: Hashable, Sendable {
        /// The name itself or `other`.
        package var label: String
        /// 0 ..< capacity, ``capacity`` for `other`; a small key for what is kept per label.
        package var slot: Int
        /// The name that held this slot until now. Its series must go.
        package var evicted: String?
    }

    private struct Holder {
        var name: String
        var activity: Int
    }

    package let capacity: Int
    /// In nanoseconds.
    private let halfLife: Int64
    private var holders: [Holder] = []
    private var slots: [String: Int] = [:]
    /// The holder that was noted last: mostly it is the next one too, and comparing is cheaper than hashing.
    private var lastSlot: Int?
    private var candidates: [String: Int] = [:]
    private var nextDecay: Int64?
    /// No holder is less active than this, so that most newcomers are turned away without a search.
    private var floor = 0

    package init(capacity: Int = 100, halfLifeSeconds: Int64 = 600) {
        precondition(capacity > 0 && halfLifeSeconds > 0, "some names, for some time")
        self.capacity = capacity
        self.halfLife = halfLifeSeconds * 1_000_000_000
    }

    /// Counts one use of a name.
    ///
    /// - Parameter now: nanoseconds on any clock that does not run backwards.
    package mutating func note(_ name: String, now: Int64) -> Place {
        decay(now: now)
        if let slot = knownSlot(of: name) {
            holders[slot].activity += 1
            return Place(label: name, slot: slot)
        }
        guard canHoldPlace(name) else { return otherPlace }
        if let slot = takeFreePlace(name, activity: 1) { return Place(label: name, slot: slot) }
        let activity = noteCandidate(name)
        guard activity >= TopNames.leastActivity, activity > 2 * floor else { return otherPlace }
        return promote(name, activity: activity)
    }

    private mutating func knownSlot(of name: String) -> Int? {
        if let lastSlot, holders[lastSlot].name == name { return lastSlot }
        guard let slot = slots[name] else { return nil }
        lastSlot = slot
        return slot
    }

    /// The label of a name, without counting a use. A new name takes a place that is free.
    package mutating func label(of name: String) -> String {
        if slots[name] != nil { return name }
        return canHoldPlace(name) && takeFreePlace(name, activity: 0) != nil ? name : TopNames.other
    }

    /// How many names are remembered, with a place or without.
    var remembered: Int { holders.count + candidates.count }

    private var otherPlace: Place { Place(label: TopNames.other, slot: capacity) }

    private func canHoldPlace(_ name: String) -> Bool {
        name != TopNames.other && name.utf8.count <= TopNames.longestName
    }

    private mutating func takeFreePlace(_ name: String, activity: Int) -> Int? {
        guard holders.count < capacity else { return nil }
        slots[name] = holders.count
        holders.append(Holder(name: name, activity: activity))
        floor = 0
        return holders.count - 1
    }

    private mutating func promote(_ name: String, activity: Int) -> Place {
        var least = 0
        for slot in holders.indices where holders[slot].activity < holders[least].activity { least = slot }
        floor = holders[least].activity
        guard activity > 2 * floor else { return otherPlace }
        let evicted = holders[least]
        slots[evicted.name] = nil
        candidates[name] = nil
        slots[name] = least
        holders[least] = Holder(name: name, activity: activity)
        return Place(label: name, slot: least, evicted: evicted.name)
    }

    /// Misra-Gries with ten candidates for each place: a name that is one of a thousand uses is found among any others.
    private mutating func noteCandidate(_ name: String) -> Int {
        if let activity = candidates[name] {
            candidates[name] = activity + 1
            return activity + 1
        }
        if candidates.count < 10 * capacity {
            candidates[name] = 1
            return 1
        }
        candidates = candidates.compactMapValues { $0 > 1 ? $0 - 1 : nil }
        return 0
    }

    private mutating func decay(now: Int64) {
        guard let due = nextDecay else {
            nextDecay = now + halfLife
            return
        }
        if now < due { return }
        let halvings = min(1 + (now - due) / halfLife, 62)
        for slot in holders.indices { holders[slot].activity >>= halvings }
        candidates = candidates.compactMapValues { $0 >> halvings > 0 ? $0 >> halvings : nil }
        floor = 0
        nextDecay = now + halfLife
    }
}
