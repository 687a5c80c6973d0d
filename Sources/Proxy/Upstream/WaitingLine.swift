import DequeModule

/// First come, first served, and anybody may leave before; each in constant time.
struct WaitingLine<Element: AnyObject> {
    /// Whoever has left has left a gap.
    private var elements: Deque<Element?> = []
    /// Places count from the first that ever waited.
    private var places: [ObjectIdentifier: Int] = [:]
    private var gone = 0

    var count: Int { places.count }

    mutating func append(_ element: Element) {
        places[ObjectIdentifier(element)] = gone + elements.count
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        while let first = elements.popFirst() {
            gone += 1
            guard let first else { continue }
            places[ObjectIdentifier(first)] = nil
            return first
        }
        return nil
    }

    /// Says whether it was there.
    mutating func remove(_ element: Element) -> Bool {
        guard let place = places.removeValue(forKey: ObjectIdentifier(element)) else { return false }
        elements[place - gone] = nil
        while case .some(nil) = elements.first {
            elements.removeFirst()
            gone += 1
        }
        return true
    }
}
