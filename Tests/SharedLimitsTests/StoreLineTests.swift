import Admission
import NIOCore
import NIOPosix
import SharedLimits
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// The line over a real socket to a real server.
@Suite(.enabled(if: RedisServer.program != nil, RedisServer.isMissing), .serialized)
struct StoreLineTests {
    /// What a line says, for a test to wait for.
    final class Ear: Sendable {
        private let events = Mutex<[StoreLine.Event]>([])

        func hear(_ event: StoreLine.Event) { events.withLock { $0.append(event) } }

        func next() -> StoreLine.Event? { events.withLock { $0.isEmpty ? nil : $0.removeFirst() } }

        /// Waits for the next event that is not just talk.
        func wait() async -> StoreLine.Event? {
            for _ in 0..<2000 {
                while let event = next() {
                    switch event {
                    case .trouble, .recovered: continue
                    default: return event
                    }
                }
                try? await Task.sleep(for: .milliseconds(5))
            }
            return nil
        }
    }

    private func line(_ settings: StoreSettings, replica: String = "r") -> (StoreLine, Ear) {
        let ear = Ear()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let line = StoreLine(settings, upstream: "openai", replica: replica, loop: loop) { ear.hear($0) }
        line.start()
        return (line, ear)
    }

    private static func turn(_ number: Int) -> SharedTurn {
        let pace = SharedPace(gap: .milliseconds(100), span: .seconds(60), burst: 100)
        return .one(number, [.paced(pace, more: 0, back: 0, risk: 0), .counted(most: 5, held: 0)], items: 1)
    }

    @Test("Turns are answered, also after the script was taken away")
    func answers() async throws {
        let server = try RedisServer()
        let (line, ear) = line(StoreSettings(seeds: [.unix(path: server.socketPath)]))
        guard case .found? = await ear.wait() else { return #expect(Bool(false), "not found") }
        for number in 1...3 {
            if number == 3 { _ = try server.wire().say("SCRIPT", "FLUSH") }
            line.send(Self.turn(number))
            guard case .answered(let answer, to: number)? = await ear.wait() else {
                return #expect(Bool(false), "turn \(number) is not answered")
            }
            #expect(answer.members == 1 && answer.cells.count == 2 && answer.grants.count == 1)
        }
        line.stop()
    }

    @Test("A server that ends is lost at once, and found again when it is back")
    func comesBack() async throws {
        let server = try RedisServer()
        let (line, ear) = line(StoreSettings(seeds: [.unix(path: server.socketPath)]))
        guard case .found? = await ear.wait() else { return #expect(Bool(false), "not found") }
        try server.restart()
        guard case .lost? = await ear.wait(), case .found? = await ear.wait() else {
            return #expect(Bool(false), "not lost and found")
        }
        line.send(Self.turn(1))
        guard case .answered? = await ear.wait() else { return #expect(Bool(false), "not answered") }
        line.stop()
    }

    @Test("A server that stops is lost when it does not answer in time, and found when it goes on")
    func hangs() async throws {
        let server = try RedisServer()
        let (line, ear) = line(StoreSettings(seeds: [.unix(path: server.socketPath)]))
        guard case .found? = await ear.wait() else { return #expect(Bool(false), "not found") }
        try server.stop()
        line.send(Self.turn(1))
        guard case .lost? = await ear.wait() else { return #expect(Bool(false), "not lost") }
        server.signal(SIGCONT)
        guard case .found? = await ear.wait() else { return #expect(Bool(false), "not found again") }
        line.stop()
    }

    @Test("Users, passwords and databases are those of the server")
    func identity() async throws {
        let user = ["--user", "penstock", "on", ">secret", "~penstock:*", "+@all"]
        let server = try RedisServer(user + ["--requirepass", "other"])
        let good = StoreSettings(
            seeds: [.unix(path: server.socketPath)], user: "penstock", password: "secret", database: 3)
        let (line, ear) = line(good)
        guard case .found? = await ear.wait() else { return #expect(Bool(false), "not found") }
        line.send(Self.turn(1))
        guard case .answered? = await ear.wait() else { return #expect(Bool(false), "not answered") }
        let wire = try server.wire()
        _ = try wire.say("AUTH", "other")
        _ = try wire.say("SELECT", "3")
        let count = try #require(try wire.say("DBSIZE").number)
        #expect(count > 0)
        line.stop()
        var bad = good
        bad.password = "wrong"
        let (other, otherEar) = self.line(bad)
        var troubles: [String] = []
        for _ in 0..<400 where troubles.isEmpty {
            if case .trouble(let reason)? = otherEar.next() { troubles.append(reason) }
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(troubles == ["the store answered WRONGPASS"])
        other.stop()
    }

    @Test(
        "A pause that one brings is told to all at once; who may not listen still has answers",
        arguments: [true, false])
    func pauses(mayListen: Bool) async throws {
        let channels = mayListen ? "&penstock:*" : "resetchannels"
        let server = try RedisServer(["--user", "penstock", "on", ">secret", "~penstock:*", channels, "+@all"])
        let settings = StoreSettings(seeds: [.unix(path: server.socketPath)], user: "penstock", password: "secret")
        let (one, oneEar) = line(settings)
        let (other, otherEar) = line(settings, replica: "s")
        for ear in [oneEar, otherEar] {
            guard case .found? = await ear.wait() else { return #expect(Bool(false), "not found") }
        }
        // Answered after it has begun to listen.
        other.send(Self.turn(1))
        guard case .answered? = await otherEar.wait() else { return #expect(Bool(false), "not answered") }
        var turn = Self.turn(1)
        turn.pause = .seconds(3)
        turn.cells[0].pause = .seconds(2)
        one.send(turn)
        var isAnswered = false
        while !isAnswered, let event = await oneEar.wait() { if case .answered = event { isAnswered = true } }
        #expect(isAnswered)
        if mayListen {
            guard case .paused(let whole)? = await otherEar.wait(), case .paused(let cell)? = await otherEar.wait()
            else {
                return #expect(Bool(false), "not told")
            }
            #expect(whole == SharedPause(length: .seconds(3)))
            #expect(cell == SharedPause(length: .seconds(2), key: "cell-0"))
        }
        other.send(Self.turn(2))
        guard case .answered(let answer, to: 2)? = await otherEar.wait() else {
            return #expect(Bool(false), "not answered")
        }
        #expect(answer.pause > .seconds(2) && answer.grants[0].delays.isEmpty)
        one.stop()
        other.stop()
    }

    @Test("A full server is left, for what it does not count can't be shared")
    func full() async throws {
        let server = try RedisServer()
        let (line, ear) = line(StoreSettings(seeds: [.unix(path: server.socketPath)]))
        guard case .found? = await ear.wait() else { return #expect(Bool(false), "not found") }
        _ = try server.wire().say("CONFIG", "SET", "maxmemory", "1")
        line.send(Self.turn(1))
        guard case .lost? = await ear.wait() else { return #expect(Bool(false), "not lost") }
        line.stop()
    }
}
