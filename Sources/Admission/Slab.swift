/// Values in numbered places that are used again after removal, so that a place is a small, dense name for a value.
struct Slab<Element> {
    private var elements: [Element] = []
    private var free: [Int] = []

    /// One more than the highest place ever used.
    var capacity: Int { elements.count }
    var count: Int { elements.count - free.count }

    subscript(place: Int) -> Element {
        @inline(__always) _read { yield elements[place] }
        @inline(__always) _modify { yield &elements[place] }
    }

    mutating func insert(_ element: consuming Element) -> Int {
        if let place = free.popLast() {
            elements[place] = element
            return place
        }
        elements.append(element)
        return elements.count - 1
    }

    /// Frees the place and leaves `remainder` in it, which should hold on to nothing.
    mutating func remove(_ place: Int, leaving remainder: consuming Element) {
        elements[place] = remainder
        free.append(place)
    }
}

extension Slab: Sendable where Element: Sendable {}
