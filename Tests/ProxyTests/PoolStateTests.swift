import Admission
import Rehearsal
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

    @Test("Before the peer's settings a connection is lent once, and others wait for them")
    func unsettled() {
        var pool = PoolState(version: .h2, maxConnections: 10)
        for _ in 0..<5 { _ = pool.lease() }
        pool.connected(1, version: .h2, maxStreams: nil, now: Self.start)
        #expect(pool.serveWaiting() == 1)
        #expect(pool.serveWaiting() == nil)
        #expect(pool.connections == 0)
        pool.maxStreams(2, on: 1)
        #expect(pool.serveWaiting() == 1)
        #expect(pool.serveWaiting() == nil)
        // Three wait, and two streams each are usual here.
        #expect(pool.connections == 2)
    }

    @Test("Where a peer allows one stream, each that waits gets a connection of its own, up to the most")
    func oneStreamEach() {
        var pool = PoolState(version: .h2, maxConnections: 6)
        for _ in 0..<9 { _ = pool.lease() }
        pool.connected(1, version: .h2, maxStreams: nil, now: Self.start)
        _ = pool.serveWaiting()
        pool.maxStreams(1, on: 1)
        #expect(pool.connections == 5)
        #expect(pool.waiting == 8)
    }

    @Test("Settings that shrink let streams end and lend none before there is room, and those that grow lend at once")
    func resized() {
        var pool = PoolState(version: .h2, maxConnections: 1)
        _ = pool.lease()
        pool.connected(1, version: .h2, maxStreams: 3, now: Self.start)
        for _ in 0..<3 { _ = pool.serveWaiting() ?? pool.number(of: pool.lease()) }
        pool.maxStreams(1, on: 1)
        #expect(pool.lease() == .wait)
        for _ in 0..<2 { pool.streamEnded(on: 1, now: Self.start) }
        #expect(pool.serveWaiting() == nil)
        pool.maxStreams(2, on: 1)
        #expect(pool.serveWaiting() == 1)
        #expect(pool.lease() == .wait)
        pool.maxStreams(0, on: 1)
        for _ in 0..<2 { pool.streamEnded(on: 1, now: Self.start) }
        #expect(pool.serveWaiting() == nil)
        #expect(pool.expire(before: Self.start) == [1])
    }

    @Test("A connection that says goodbye with streams on it does not keep a full pool shut")
    func goodbyeAtTheMost() {
        var pool = PoolState(version: .h2, maxConnections: 1)
        _ = pool.lease()
        pool.connected(1, version: .h2, maxStreams: 10, now: Self.start)
        _ = pool.serveWaiting()
        let carriesStreams = pool.retire(1)
        #expect(carriesStreams)
        #expect(pool.lease() == .waitAndConnect)
        #expect(pool.lease() == .wait)
        pool.connected(2, version: .h2, maxStreams: 10, now: Self.start)
        #expect(pool.serveWaiting() == 2)
        pool.streamEnded(on: 1, now: Self.start)
        #expect(pool.isUnused(1))
        #expect(pool.idle == 0)
    }

    @Test("After a failure connections are tried one by one until one succeeds; nobody is left waiting for nothing")
    func failing() {
        var pool = PoolState(version: .h1, maxConnections: 100)
        for _ in 0..<20 { _ = pool.lease() }
        #expect(pool.connecting == 20)
        for left in (0..<20).reversed() {
            #expect(pool.connectFailed() == 1)
            #expect(pool.connections == 0)
            #expect(pool.waiting == left)
        }
        #expect(pool.lease() == .waitAndConnect)
        for _ in 0..<20 { #expect(pool.lease() == .wait) }
        #expect(pool.connectFailed() == 21)
        #expect(pool.lease() == .waitAndConnect)
        for _ in 0..<20 { _ = pool.lease() }
        pool.connected(1, version: .h1, maxStreams: nil, now: Self.start)
        #expect(pool.serveWaiting() == 1)
        #expect(pool.connections == 20)
    }

    @Test("With a connection at work a failure tells one of those that wait, not all")
    func failingBesides() {
        var pool = PoolState(version: .h2, maxConnections: 3)
        _ = pool.lease()
        pool.connected(1, version: .h2, maxStreams: 1, now: Self.start)
        _ = pool.serveWaiting()
        for _ in 0..<2 { _ = pool.lease() }
        #expect(pool.connectFailed() == 1)
        #expect(pool.waiting == 1)
        pool.streamEnded(on: 1, now: Self.start)
        #expect(pool.serveWaiting() == 1)
    }

    @Test("A connection is made ready where none is free or coming, and one at most")
    func prepared() {
        var pool = PoolState(version: .h1, maxConnections: 3)
        #expect(pool.opensOne() == true)
        #expect(pool.opensOne() == false)
        // Whoever comes now takes what is on its way, so that another one may be made ready.
        #expect(pool.lease() == .wait)
        #expect(pool.opensOne() == true)
        pool.connected(1, version: .h1, maxStreams: nil, now: Self.start)
        #expect(pool.serveWaiting() == 1)
        pool.connected(2, version: .h1, maxStreams: nil, now: Self.start)
        #expect(pool.opensOne() == false)
        #expect(pool.lease() == .use(2))
        #expect(pool.opensOne() == true)
        #expect(pool.connectFailed() == 0)
        // Not again and again to what fails.
        #expect(pool.opensOne() == false)
        #expect(pool.lease() == .waitAndConnect)
    }

    @Test("Nothing is made ready beyond the most, nor where a stream is free")
    func notPrepared() {
        var pool = PoolState(version: .h2, maxConnections: 2)
        #expect(pool.opensOne() == true)
        pool.connected(1, version: .h2, maxStreams: nil, now: Self.start)
        _ = pool.lease()
        #expect(pool.opensOne() == false)
        pool.maxStreams(2, on: 1)
        #expect(pool.opensOne() == false)
        _ = pool.lease()
        #expect(pool.opensOne() == true)
        pool.connected(2, version: .h2, maxStreams: 1, now: Self.start)
        _ = pool.lease()
        #expect(pool.opensOne() == false)
    }

    @Test("Twenty thousand connections cost no more each than twenty")
    func many() {
        let count = 20_000
        var pool = PoolState(version: .h1, maxConnections: count)
        for _ in 0..<count { _ = pool.lease() }
        for number in 1...count {
            pool.connected(number, version: .h1, maxStreams: nil, now: Self.start)
            _ = pool.serveWaiting()
        }
        for number in 1...count { pool.released(number, now: Self.start + .milliseconds(number)) }
        #expect(pool.idle == count)
        // With scans of all this would be 400 million steps.
        for number in stride(from: 1, through: count, by: 2) { pool.closed(number) }
        #expect(pool.idle == count / 2)
        #expect(pool.expire(before: .never) == Array(stride(from: 2, through: count, by: 2)))
    }

    /// Drives a pool at random beside a plain account of what it has lent, and checks both against each other.
    @Test("Under random use it keeps its bounds and loses nobody", arguments: 0..<200 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
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

extension PoolState {
    /// How many connections are to be opened now.
    fileprivate var connections: Int {
        mutating get {
            var count = 0
            while shouldConnect() { count += 1 }
            return count
        }
    }

    /// As ``prepare()``, where an expectation can call it.
    fileprivate mutating func opensOne() -> Bool { prepare() }

    fileprivate func number(of lease: Lease) -> Int? {
        if case .use(let number) = lease { number } else { nil }
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
    private var faultsSeen: [String] = []
    private var settled: Set<Int> = []
    private var isFailing = false

    init(version: PoolState.Version, agreed: PoolState.Version, most: Int) {
        pool = PoolState(version: version, maxConnections: most)
        self.agreed = agreed
        self.most = most
    }

    mutating func act(_ random: inout SplitMix64) {
        now = now + .milliseconds(Int.random(in: 0...500, using: &random))
        switch Int.random(in: 0..<14, using: &random) {
        case 0...4: lease()
        case 5: leave()
        case 6: finish(&random)
        case 7: connected(&random)
        case 8: if Bool.random(using: &random) { connectFailed() }
        case 9: closed(&random)
        case 10: expire()
        case 11: resize(&random)
        case 12: prepare()
        default: goodbye(&random)
        }
        settle()
    }

    private mutating func lease() {
        switch pool.lease() {
        case .use(let connection): lend(connection)
        case .waitAndConnect:
            connecting += 1
            if isFailing, connecting > 1 { faultsSeen.append("several at once to what fails") }
            waiting += 1
        case .wait: waiting += 1
        }
    }

    private mutating func lend(_ connection: Int) {
        lent[connection, default: 0] += 1
        if lent[connection, default: 0] > allowed[connection, default: 0] { lentTwice = true }
        if !open.contains(connection) || closing.contains(connection) { lentTwice = true }
    }

    private mutating func leave() {
        guard waiting > 0 else { return }
        waiting -= 1
        pool.stopWaiting()
    }

    private mutating func finish(_ random: inout SplitMix64) {
        guard let connection = lent.keys.sorted().randomElement(using: &random) else { return }
        lent[connection, default: 1] -= 1
        if lent[connection] == 0 { lent[connection] = nil }
        if agreed == .h1 {
            pool.released(connection, now: now)
        } else {
            pool.streamEnded(on: connection, now: now)
        }
    }

    private mutating func connected(_ random: inout SplitMix64) {
        guard connecting > 0 else { return }
        connecting -= 1
        last += 1
        open.insert(last)
        let most = agreed == .h2 && Bool.random(using: &random) ? nil : Int.random(in: 1...4, using: &random)
        allowed[last] = agreed == .h2 ? most ?? 1 : 1
        if agreed == .h1 || most != nil { settled.insert(last) }
        isFailing = false
        pool.connected(last, version: agreed, maxStreams: most, now: now)
    }

    /// SETTINGS, the first or later ones.
    private mutating func resize(_ random: inout SplitMix64) {
        guard agreed == .h2, let connection = open.sorted().randomElement(using: &random) else { return }
        let most = Int.random(in: 0...4, using: &random)
        allowed[connection] = most
        settled.insert(connection)
        pool.maxStreams(most, on: connection)
    }

    private mutating func prepare() {
        let isNeeded = waiting == 0 && free.isEmpty && connecting == 0
        let (opens, hadSpace) = (pool.prepare(), open.count + connecting < most)
        if opens { connecting += 1 }
        if opens, waiting == 0, !free.isEmpty || connecting > 1 { faultsSeen.append("prepared for nobody") }
        if opens, !hadSpace, !open.isSubset(of: closing) { faultsSeen.append("prepared beyond the most") }
        if isNeeded, hadSpace, !opens, !isFailing, unsettled == 0 { faultsSeen.append("prepared nothing") }
    }

    private mutating func connectFailed() {
        guard connecting > 0 else { return }
        connecting -= 1
        isFailing = true
        let others = connecting > 0 || !open.subtracting(closing).isEmpty
        let failed = pool.connectFailed()
        if failed != (others ? min(1, waiting) : waiting) { faultsSeen.append("told \(failed) of \(waiting)") }
        waiting -= failed
    }

    private mutating func closed(_ random: inout SplitMix64) {
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

    private mutating func goodbye(_ random: inout SplitMix64) {
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
        while pool.shouldConnect() {
            connecting += 1
            if isFailing, connecting > 1 { faultsSeen.append("several at once to what fails") }
        }
    }

    var faults: [String] {
        var faults = faultsSeen
        // What takes nothing new may stand beside one that does.
        if open.count + connecting > most, open.subtracting(closing).count + connecting > 1 {
            faults.append("\(open.count) open, \(connecting) connecting of \(most)")
        }
        if pool.open != open.count || pool.connecting != connecting { faults.append("miscounted connections") }
        if pool.waiting != waiting { faults.append("\(pool.waiting) waiting instead of \(waiting)") }
        if lentTwice { faults.append("lent what was not free") }
        if waiting > 0, !free.isEmpty { faults.append("\(waiting) wait while \(free.count) are free") }
        let hasSpace = open.count < most || open.isSubset(of: closing)
        if waiting > 0, connecting == 0, unsettled == 0, hasSpace {
            faults.append("nobody connects for those that wait")
        }
        let idle = open.subtracting(closing).count { lent[$0] == nil }
        if pool.idle != idle { faults.append("\(pool.idle) idle instead of \(idle)") }
        return faults
    }

    private var free: Set<Int> {
        open.subtracting(closing).filter { (lent[$0] ?? 0) < (allowed[$0] ?? 0) }
    }

    /// Connections that have not said how many streams they take.
    private var unsettled: Int { open.subtracting(closing).subtracting(settled).count }
}
