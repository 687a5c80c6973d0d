/// One line of the journal that a simulator keeps where its settings ask for it: what it saw of one request.
package struct Sighting: Hashable, Sendable {
    package var kind: Kind
    /// The API key, by which the limits per key tell callers apart.
    package var key: String
    /// Nanoseconds since the simulator's start; never less than that of the line before.
    package var at: Int64
    /// What the limits counted, where one of them counts tokens or a model; `nil` where the body had not come.
    package var weight: Weight?

    package enum Kind: Hashable, Sendable {
        case accepted
        case refused
        /// An accepted request holds its places no longer.
        case left
    }

    package init(_ kind: Kind, key: String, at: Int64, weight: Weight? = nil) {
        self.kind = kind
        self.key = key
        self.at = at
        self.weight = weight
    }
}

extension Arrival {
    /// The line for what has been decided; `nil` where nothing has.
    func sighting(key: String, weight: Weight?, at instant: Int64) -> Sighting? {
        switch verdict {
        case .undecided: nil
        case .accepted: Sighting(.accepted, key: key, at: instant, weight: weight)
        case .refused: Sighting(.refused, key: key, at: instant, weight: weight)
        }
    }
}
