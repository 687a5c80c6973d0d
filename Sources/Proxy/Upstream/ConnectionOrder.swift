/// Places in the order in which they came, from which any can leave; each step in constant time. A place is a small
/// number that its owner uses again when it is free.
struct ConnectionOrder {
    private struct Links {
        var older: Int?
        var newer: Int?
        var isIn = false
    }

    /// By place.
    private var links: [Links] = []
    private(set) var oldest: Int?
    private(set) var newest: Int?
    private(set) var count = 0

    var isEmpty: Bool { newest == nil }

    /// Puts a place at the new end; one that is there already stays where it is.
    mutating func append(_ place: Int) {
        while links.count <= place { links.append(Links()) }
        guard !links[place].isIn else { return }
        links[place] = Links(older: newest, newer: nil, isIn: true)
        if let newest { links[newest].newer = place } else { oldest = place }
        newest = place
        count += 1
    }

    mutating func remove(_ place: Int) {
        guard place < links.count, links[place].isIn else { return }
        let left = links[place]
        links[place] = Links()
        if let older = left.older { links[older].newer = left.newer } else { oldest = left.newer }
        if let newer = left.newer { links[newer].older = left.older } else { newest = left.older }
        count -= 1
    }
}
