import Admission

/// What will happen, in order of time; what was entered first comes first at the same instant.
package struct Agenda<Event> {
    private var heap: [(at: Instant, order: Int, event: Event)] = []
    private var orders = 0

    package init() {}

    package var isEmpty: Bool { heap.isEmpty }
    package var nextInstant: Instant { heap.first?.at ?? .never }

    package mutating func enter(_ event: Event, at instant: Instant) {
        orders += 1
        heap.append((instant, orders, event))
        var place = heap.count - 1
        while place > 0, precedes(place, (place - 1) / 2) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    package mutating func next() -> (at: Instant, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return (first.at, first.event) }
        heap[0] = last
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            guard least != place else { return (first.at, first.event) }
            heap.swapAt(place, least)
            place = least
        }
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].at, heap[left].order) < (heap[right].at, heap[right].order)
    }
}
