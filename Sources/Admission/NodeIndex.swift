/// Finds nodes of the fair line by a hash of the names on their path.
///
/// Open addressing with linear probing (Knuth, The Art of Computer Programming 3, §6.4): eight bytes for a place, where
/// a dictionary would keep the names once more. What has the same hash is told apart by who asks, who sees the nodes.
struct NodeIndex: Sendable {
    private struct Place: Sendable {
        var hash: UInt32
        /// -1 where it is free.
        var node: Int32

        static let free = Place(hash: 0, node: -1)
    }

    /// A power of two of them, at most three quarters taken.
    private var places = [Place](repeating: .free, count: 16)
    private(set) var count = 0

    private var mask: Int { places.count - 1 }

    /// The places to look at for a hash, one after the other.
    struct Probe {
        fileprivate let hash: UInt32
        fileprivate var place: Int
    }

    func probe(_ hash: UInt32) -> Probe { Probe(hash: hash, place: Int(hash) & mask) }

    /// The next node with the probe's hash.
    func next(_ probe: inout Probe) -> Int? {
        while places[probe.place].node >= 0 {
            let place = places[probe.place]
            probe.place = (probe.place + 1) & mask
            if place.hash == probe.hash { return Int(place.node) }
        }
        return nil
    }

    /// Enters a node that is not in.
    mutating func insert(_ node: Int, hash: UInt32) {
        if (count + 1) * 4 > places.count * 3 { grow() }
        put(Place(hash: hash, node: Int32(node)))
        count += 1
    }

    private mutating func put(_ entry: Place) {
        var place = Int(entry.hash) & mask
        while places[place].node >= 0 { place = (place + 1) & mask }
        places[place] = entry
    }

    private mutating func grow() {
        let old = places
        places = [Place](repeating: .free, count: old.count * 2)
        for entry in old where entry.node >= 0 { put(entry) }
    }

    /// Takes out a node that is in, with the hash that it was entered with.
    mutating func remove(_ node: Int, hash: UInt32) {
        var gap = Int(hash) & mask
        while places[gap].node != Int32(node) {
            precondition(places[gap].node >= 0, "only what is in is taken out")
            gap = (gap + 1) & mask
        }
        var place = (gap + 1) & mask
        // Whatever was put further on because the place was taken moves up.
        while places[place].node >= 0 {
            let home = Int(places[place].hash) & mask
            if (place - home) & mask >= (place - gap) & mask {
                places[gap] = places[place]
                gap = place
            }
            place = (place + 1) & mask
        }
        places[gap] = .free
        count -= 1
    }
}
