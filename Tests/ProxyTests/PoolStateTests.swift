import Admission
import Testing

@testable import Proxy

@Suite("The pool's bookkeeping")
struct PoolStateTests {
    private static let start = Instant(nanoseconds: 0)

    @Test("The first connection tells the version; until then the others wait for it")
    func unknownVersion() {
        var pool = PoolState(version: .unknown, maxConnections: 10)
        #expect(pool.lease() == .waitAndConnect)
        #expect(pool.lease() == .wait)
        pool.connected(1, version: .h2, maxStreams: 100, now: Self.start)
        #expect(pool.serveWaiting() == 1)
        #expect(pool.serveWaiting() == 1)
        #expect(pool.serveWaiting() == nil)
        let connectsMore = pool.shouldConnect()
        #expect(!connectsMore)
        #expect(pool.lease() == .use(1))
    }

    @Test("HTTP/1.1 opens one connection for each that waits, up to the most")
    func oneEach() {
        var pool = PoolState(version: .h1, maxConnections: 2)
        #expect(pool.lease() == .waitAndConnect)
        #expect(pool.lease() == .waitAndConnect)
        #expect(pool.lease() == .wait)
        let connectsMore = pool.shouldConnect()
        #expect(!connectsMore)
    }

    @Test("The connection used last is used first, so that others grow old")
    func lastFirst() {
        var pool = PoolState(version: .h1, maxConnections: 3)
        for number in 1...2 {
            _ = pool.lease()
            pool.connected(number, version: .h1, maxStreams: 1, now: Self.start)
            _ = pool.serveWaiting()
        }
        pool.released(1, now: Self.start + .seconds(1))
        pool.released(2, now: Self.start + .seconds(2))
        #expect(pool.lease() == .use(2))
        #expect(pool.expire(before: Self.start + .seconds(1)) == [1])
        #expect(pool.idle == 0)
    }

    @Test("An HTTP/2 connection that nobody has used for long expires and is lent no more")
    func expiredShared() {
        var pool = PoolState(version: .h2, maxConnections: 3)
        _ = pool.lease()
        pool.connected(1, version: .h2, maxStreams: 2, now: Self.start)
        _ = pool.serveWaiting()
        #expect(pool.expire(before: .never) == [])
        pool.streamEnded(on: 1, now: Self.start + .seconds(5))
        #expect(pool.expire(before: Self.start + .seconds(4)) == [])
        #expect(pool.expire(before: Self.start + .seconds(5)) == [1])
        #expect(pool.expire(before: .never) == [])
        #expect(pool.lease() == .waitAndConnect)
    }

    @Test("What a peer allows after it has said goodbye does not count")
    func retiredStaysRetired() {
        var pool = PoolState(version: .h2, maxConnections: 3)
        _ = pool.lease()
        pool.connected(1, version: .h2, maxStreams: 2, now: Self.start)
        _ = pool.serveWaiting()
        let carriesStreams = pool.retire(1)
        #expect(carriesStreams)
        pool.maxStreams(100, on: 1)
        #expect(pool.lease() == .waitAndConnect)
    }

    /// Drives a pool at random beside a plain account of what it has lent, and checks both against each other.
    @Test("Under random use it keeps its bounds and loses nobody", arguments: 0..<200 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = Seeded(seed)
        let version: PoolState.Version = [.unknown, .h1, .h2][Int(seed % 3)]
        let agreed: PoolState.Version = version == .unknown ? (seed % 2 == 0 ? .h1 : .h2) : version
        var world = PoolWorld(version: version, agreed: agreed, most: Int.random(in: 1...6, using: &random))
        for step in 0..<400 {
            world.act(&random)
            let faults = world.faults
            #expect(faults.isEmpty, "seed \(seed), step \(step): \(faults)")
            if !faults.isEmpty { return }
        }
    }
}

/// What a pool's owner knows: who is lent, who waits, what is open.
private struct PoolWorld {
    private var pool: PoolState
    private let agreed: PoolState.Version
    private let most: Int
    private var now = Instant(nanoseconds: 0)
    private var last = 0
    private var lent: [Int: Int] = [:]
    private var open: Set<Int> = []
    private var closing: Set<Int> = []
    private var allowed: [Int: Int] = [:]
    private var connecting = 0
    private var waiting = 0
    private var lentTwice = false

    init(version: PoolState.Version, agreed: PoolState.Version, most: Int) {
        pool = PoolState(version: version, maxConnections: most)
        self.agreed = agreed
        self.most = most
    }

    mutating func act(_ random: inout Seeded) {
        now = now + .milliseconds(Int.random(in: 0...500, using: &random))
        switch Int.random(in: 0..<12, using: &random) {
        case 0...4: lease()
        case 5: leave()
        case 6: finish(&random)
        case 7: connected(&random)
        case 8: if Bool.random(using: &random) { connectFailed() }
        case 9: closed(&random)
        case 10: expire()
        default: goodbye(&random)
        }
        settle()
    }

    private mutating func lease() {
        switch pool.lease() {
        case .use(let connection): lend(connection)
        case .waitAndConnect:
            connecting += 1
            waiting += 1
        case .wait: waiting += 1
        }
    }

    private mutating func lend(_ connection: Int) {
        lent[connection, default: 0] += 1
        if agreed == .h1, lent[connection] != 1 { lentTwice = true }
        if !open.contains(connection) || closing.contains(connection) { lentTwice = true }
    }

    private mutating func leave() {
        guard waiting > 0 else { return }
        waiting -= 1
        pool.stopWaiting()
    }

    private mutating func finish(_ random: inout Seeded) {
        guard let connection = lent.keys.sorted().randomElement(using: &random) else { return }
        lent[connection, default: 1] -= 1
        if lent[connection] == 0 { lent[connection] = nil }
        if agreed == .h1 {
            pool.released(connection, now: now)
        } else {
            pool.streamEnded(on: connection, now: now)
        }
    }

    private mutating func connected(_ random: inout Seeded) {
        guard connecting > 0 else { return }
        connecting -= 1
        last += 1
        open.insert(last)
        allowed[last] = Int.random(in: 1...4, using: &random)
        pool.connected(last, version: agreed, maxStreams: allowed[last] ?? 1, now: now)
    }

    private mutating func connectFailed() {
        guard connecting > 0 else { return }
        connecting -= 1
        let failed = pool.waitingToFail
        pool.connectFailed()
        for _ in 0..<failed {
            pool.stopWaiting()
            waiting -= 1
        }
    }

    private mutating func closed(_ random: inout Seeded) {
        guard let connection = open.sorted().randomElement(using: &random) else { return }
        open.remove(connection)
        closing.remove(connection)
        lent[connection] = nil
        pool.closed(connection)
    }

    private mutating func expire() {
        for connection in pool.expire(before: now - .seconds(2)) {
            if lent[connection] != nil || closing.contains(connection) { lentTwice = true }
            closing.insert(connection)
        }
    }

    private mutating func goodbye(_ random: inout Seeded) {
        guard agreed == .h2, let connection = open.sorted().randomElement(using: &random) else { return }
        if pool.retire(connection) != (lent[connection] != nil) { lentTwice = true }
        closing.insert(connection)
    }

    /// As the owner does after each event.
    private mutating func settle() {
        while let connection = pool.serveWaiting() {
            waiting -= 1
            lend(connection)
        }
        while pool.shouldConnect() { connecting += 1 }
    }

    var faults: [String] {
        var faults: [String] = []
        if open.count + connecting > most { faults.append("\(open.count) open, \(connecting) connecting of \(most)") }
        if pool.open != open.count || pool.connecting != connecting { faults.append("miscounted connections") }
        if pool.waiting != waiting { faults.append("\(pool.waiting) waiting instead of \(waiting)") }
        if lentTwice { faults.append("lent what was not free") }
        let free = open.subtracting(closing).filter { connection in
            agreed == .h1 ? lent[connection] == nil : (lent[connection] ?? 0) < (allowed[connection] ?? 0)
        }
        if waiting > 0, !free.isEmpty { faults.append("\(waiting) wait while \(free.count) are free") }
        if waiting > 0, connecting == 0, open.count < most { faults.append("nobody connects for those that wait") }
        return faults
    }
}

/// A small generator with a seed (SplitMix64).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
