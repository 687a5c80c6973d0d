/// One line of the journal that a simulator keeps where its settings ask for it: what it saw of one request.
package struct Sighting: Hashable, Sendable {
    package var kind: Kind
    /// The value of the request's `Authorization` header, by which the limits per key tell callers apart.
    package var key: String
    /// Nanoseconds since the simulator's start; never less than that of the line before.
    package var at: Int64

    package enum Kind: Hashable, Sendable {
        case accepted
        case refused
        /// An accepted request holds its places no longer.
        case left
    }

    package init(_ kind: Kind, key: String, at: Int64) {
        self.kind = kind
        self.key = key
        self.at = at
    }
}

extension Arrival {
    func sighting(key: String, at instant: Int64) -> Sighting {
        Sighting(heldUnder == nil ? .refused : .accepted, key: key, at: instant)
    }
}
