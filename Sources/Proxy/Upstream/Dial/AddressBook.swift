import Admission
import NIOCore

/// What is known of where one name leads: how long an answer counts, when the resolver is asked again, and in which
/// order the addresses are tried.
struct AddressBook {
    /// An answer counts for this long. The system's resolver tells no lifetimes; caches of name servers stand behind it.
    static let freshness = Interval.seconds(5)
    /// An answer up to this old is used at once, while the resolver is asked again.
    static let usable = Interval.seconds(60)
    /// An answer up to this old is used where the resolver fails or is slow.
    static let memory = Interval.hours(1)
    /// A failure counts for this long.
    static let failureMemory = Interval.seconds(1)
    /// An address that failed or was slower than a later one is tried behind the others for this long.
    static let trouble = Interval.minutes(1)

    enum Answer: Equatable {
        /// In the order in which to try them.
        case addresses([SocketAddress])
        case failed(NameFailure)
        /// The resolver's answer has to be awaited.
        case wait
    }

    /// As the resolver gave them.
    private var addresses: [SocketAddress] = []
    private var resolvedAt = Instant(nanoseconds: .min)
    private var failure: NameFailure?
    private var failedAt = Instant(nanoseconds: .min)
    private var isAsking = false
    private let isFixed: Bool
    /// Counts the dials, so that they begin at different addresses.
    private var turn = 0
    private var troubled: [(address: SocketAddress, until: Instant)] = []

    /// A name of which nothing is known yet.
    init() {
        isFixed = false
    }

    /// An address that needs no resolver.
    init(fixed address: SocketAddress) {
        addresses = [address]
        isFixed = true
    }

    // MARK: Looking

    /// What to dial now, and whether the resolver has to be asked.
    mutating func look(now: Instant) -> (answer: Answer, asks: Bool) {
        if isFixed { return (.addresses(addresses), false) }
        let age = now - resolvedAt
        let mayAsk = now - failedAt > Self.failureMemory
        if !addresses.isEmpty {
            if age <= Self.freshness { return (.addresses(order(now: now)), false) }
            if age <= Self.usable { return (.addresses(order(now: now)), mayAsk && ask()) }
        }
        if mayAsk { return (.wait, ask()) }
        return (known(now: now), false)
    }

    /// The best that can be said without the resolver, where it has failed or takes too long.
    mutating func known(now: Instant) -> Answer {
        if !addresses.isEmpty, now - resolvedAt <= Self.memory { return .addresses(order(now: now)) }
        return failure.map { .failed($0) } ?? .wait
    }

    private mutating func ask() -> Bool {
        defer { isAsking = true }
        return !isAsking
    }

    // MARK: The resolver's answers

    mutating func resolved(_ found: [SocketAddress], now: Instant) {
        isAsking = false
        addresses = found
        resolvedAt = now
        failure = nil
        troubled.removeAll { !found.contains($0.address) }
    }

    mutating func failed(_ why: NameFailure, now: Instant) {
        isAsking = false
        failure = why
        failedAt = now
        if why == .unknown { addresses = [] }
    }

    // MARK: Order

    /// The families in turn, beginning with the resolver's first (RFC 8305 §4); within a family each dial begins one
    /// further, so that an upstream's addresses share its connections; those in trouble last.
    private mutating func order(now: Instant) -> [SocketAddress] {
        troubled.removeAll { $0.until <= now }
        turn &+= 1
        let first = addresses.first?.protocol
        let leading = rotated(addresses.filter { $0.protocol == first })
        let others = rotated(addresses.filter { $0.protocol != first })
        var order: [SocketAddress] = []
        for place in 0..<max(leading.count, others.count) {
            if place < leading.count { order.append(leading[place]) }
            if place < others.count { order.append(others[place]) }
        }
        return order.filter { !isTroubled($0) } + order.filter(isTroubled)
    }

    private func rotated(_ family: [SocketAddress]) -> [SocketAddress] {
        if family.isEmpty { return [] }
        let start = (turn - 1) % family.count
        return Array(family[start...] + family[..<start])
    }

    private func isTroubled(_ address: SocketAddress) -> Bool {
        troubled.contains { $0.address == address }
    }

    /// A dial that tried addresses in this order came through at one of them: those before it failed or were slow.
    ///
    /// - Parameter place: of the one that was reached.
    mutating func reached(_ place: Int, of tried: [SocketAddress], now: Instant) {
        if isFixed { return }
        troubled.removeAll { tried[...place].contains($0.address) }
        troubled += tried[..<place].map { ($0, now + Self.trouble) }
    }
}
