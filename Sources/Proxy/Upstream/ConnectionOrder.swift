/// Connections in the order in which they came, from which any can leave; each step in constant time.
struct ConnectionOrder {
    private struct Links {
        var older: Int?
        var newer: Int?
    }

    private var links: [Int: Links] = [:]
    private(set) var oldest: Int?
    private(set) var newest: Int?

    var count: Int { links.count }
    var isEmpty: Bool { links.isEmpty }

    /// Puts a connection at the new end; one that is there already keeps its place.
    mutating func append(_ connection: Int) {
        guard links[connection] == nil else { return }
        links[connection] = Links(older: newest, newer: nil)
        if let newest { links[newest]?.newer = connection } else { oldest = connection }
        newest = connection
    }

    mutating func remove(_ connection: Int) {
        guard let place = links.removeValue(forKey: connection) else { return }
        if let older = place.older { links[older]?.newer = place.newer } else { oldest = place.newer }
        if let newer = place.newer { links[newer]?.older = place.older } else { newest = place.older }
    }
}
