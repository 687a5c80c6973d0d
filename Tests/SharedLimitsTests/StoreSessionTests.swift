import Admission
import Testing

@testable import SharedLimits

struct StoreSessionTests {
    static let here = StoreAddress.host("redis", port: 6379)
    static let digest = RESPValue.string(Array(String(repeating: "a", count: 40).utf8))
    static let info = RESPValue.string(Array("# Server\r\nredis_version:7.0.15\r\nrun_id:0123abc\r\n".utf8))

    static let map = RESPValue.map([.string(Array("proto".utf8)), .integer(3)])

    private func greeted(_ replies: [RESPValue]) -> [StoreSession.Event] {
        var session = StoreSession(to: Self.here, isSentinel: false)
        _ = session.greeting(StoreSettings(seeds: [Self.here], user: "u", password: "p", database: 2))
        return replies.compactMap { session.received($0) }
    }

    @Test("Everything is said at once: who, which database, then what the server is")
    func greeting() {
        var session = StoreSession(to: Self.here, isSentinel: false)
        let commands = session.greeting(StoreSettings(seeds: [Self.here], user: "u", password: "p", database: 2))
        let words = commands.map { $0.words.prefix(3).map { String(decoding: $0, as: UTF8.self) } }
        #expect(words.prefix(4) == [["AUTH", "u", "p"], ["HELLO", "3"], ["SELECT", "2"], ["INFO", "server"]])
        #expect(words.last?.prefix(2) == ["SCRIPT", "LOAD"])
    }

    @Test("A server that takes all of it is ready, by the name of its run")
    func ready() {
        let ok = RESPValue.string(Array("OK".utf8))
        let master = RESPValue.array([.string(Array("master".utf8)), .integer(0), .array([])])
        #expect(greeted([ok, Self.map, ok, Self.info, master, Self.digest]) == [.ready(run: "0123abc")])
        // What an access control list forbids to ask is not needed.
        let no = RESPValue.error("NOPERM no")
        #expect(greeted([ok, no, ok, no, no, Self.digest]) == [.ready(run: "")])
    }

    @Test("A wrong password, a replica and a server without scripts are of no use, and no message repeats the password")
    func failures() {
        let ok = RESPValue.string(Array("OK".utf8))
        let replica = RESPValue.array([.string(Array("slave".utf8))])
        #expect(greeted([.error("WRONGPASS p")]) == [.failed(.refused("WRONGPASS p"))])
        #expect("\(StoreSession.Failure.refused("WRONGPASS p"))" == "the store answered WRONGPASS")
        #expect(greeted([ok, ok, ok, Self.info, replica]) == [.failed(.notMaster)])
        #expect(greeted([ok, ok, ok, Self.info, ok, .error("ERR")]) == [.failed(.refused("ERR"))])
        #expect(
            greeted([ok, ok, ok, Self.info, ok, Self.digest, ok]) == [.ready(run: "0123abc"), .failed(.unexpected)])
    }

    @Test(
        "A turn is answered, unknown, elsewhere or refused",
        arguments: [
            (.integer(1), .answer(.integer(1))), (.error("NOSCRIPT No matching script"), .unknownScript),
            (.error("MOVED 3999 10.0.0.7:6381"), .elsewhere(.host("10.0.0.7", port: 6381))),
            (.error("MOVED 3999 :6381"), .elsewhere(.host("redis", port: 6381))),
            (.error("MOVED 3999 x:99999"), .failed(.refused("MOVED 3999 x:99999"))),
            (.error("OOM command not allowed"), .failed(.refused("OOM command not allowed"))), (.push([]), nil),
        ] as [(RESPValue, StoreSession.Event?)])
    func turn(reply: RESPValue, event: StoreSession.Event?) {
        var session = StoreSession(to: Self.here, isSentinel: false)
        for _ in session.greeting(StoreSettings(seeds: [Self.here])) { _ = session.received(Self.digest) }
        _ = session.turn(["0"])
        let said = session.received(reply)
        #expect(said == event)
    }

    @Test("Who can speak and listen on one connection hears what others say, between its own answers")
    func listening() {
        var session = StoreSession(to: Self.here, isSentinel: false)
        func text(_ text: String) -> RESPValue { .string(Array(text.utf8)) }
        _ = session.greeting(StoreSettings(seeds: [Self.here]))
        for reply in [Self.map, Self.info, text("OK"), Self.digest] { _ = session.received(reply) }
        let subscription = session.subscription(to: "room")
        #expect(subscription == RESPCommand("SUBSCRIBE", "room"))
        _ = session.turn(["0"])
        let replies: [RESPValue] = [
            .push([text("subscribe"), text("room"), .integer(1)]), .push([text("message"), text("room"), text("12")]),
            .push([text("message")]), .push([text("invalidate"), .null]), .push([]), .integer(7),
        ]
        let events = replies.map { session.received($0) }
        #expect(events == [nil, .message("12"), nil, nil, nil, .answer(.integer(7))])
    }

    @Test("Who may not listen, or can't beside turns, works without it")
    func deaf() {
        for canListen in [true, false] {
            var session = StoreSession(to: Self.here, isSentinel: false)
            _ = session.greeting(StoreSettings(seeds: [Self.here]))
            let replies: [RESPValue] = [
                canListen ? Self.map : .error("ERR unknown command"), Self.info, .null, Self.digest,
            ]
            for reply in replies { _ = session.received(reply) }
            let isAsked = session.subscription(to: "room") != nil
            #expect(isAsked == canListen)
            _ = session.turn(["0"])
            let refusal = canListen ? session.received(.error("NOPERM no channel")) : nil
            let answer = session.received(.integer(7))
            #expect(refusal == nil && answer == .answer(.integer(7)))
        }
    }

    @Test(
        "A pause is told in microseconds, of all or of one count, and anything else is not heard",
        arguments: [
            ("1500", SharedPause(length: .microseconds(1500))),
            ("7 penstock:{a_b}:cell:account\u{1F}x y", SharedPause(length: .microseconds(7), key: "account\u{1F}x y")),
            ("7 penstock:{other}:cell:x", nil), ("", nil), ("0", nil), ("-4", nil), ("x", nil),
            ("200000000001", nil), ("99999999999999999999", nil),
        ] as [(String, SharedPause?)])
    func pause(message: String, pause: SharedPause?) {
        #expect(TurnCoding.pause(message, of: "a{b") == pause)
    }

    @Test("A Sentinel says where the server is")
    func sentinel() {
        var session = StoreSession(to: .host("sentinel", port: 26_379), isSentinel: true)
        let commands = session.greeting(StoreSettings(seeds: [Self.here], sentinelName: "mymaster"))
        #expect(commands == [RESPCommand("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")])
        let reply = RESPValue.array([.string(Array("10.0.0.9".utf8)), .string(Array("6379".utf8))])
        let said = session.received(reply)
        #expect(said == .elsewhere(.host("10.0.0.9", port: 6379)))
        var other = StoreSession(to: .host("sentinel", port: 26_379), isSentinel: true)
        _ = other.greeting(StoreSettings(seeds: [Self.here], sentinelName: "mymaster"))
        let otherSaid = other.received(.null)
        #expect(otherSaid == .failed(.unknownMaster))
    }

    @Test("Seeds go round, a direction is tried once, and waits grow to less than half a second")
    func route() {
        var route = StoreRoute(StoreSettings(seeds: [.host("a", port: 1), .host("b", port: 2)]))
        var tried = [route.target().address, route.target().address]
        let isFollowed = route.direct(to: .host("c", port: 3))
        tried += [route.target().address, route.target().address]
        #expect(tried == [.host("a", port: 1), .host("b", port: 2), .host("c", port: 3), .host("a", port: 1)])
        #expect(isFollowed)
        var waits: [Int64] = []
        for _ in 0..<8 { waits.append(route.failed(chance: 255).nanoseconds / 1_000_000) }
        #expect(waits == [19, 39, 79, 159, 319, 399, 399, 399])
        for _ in 0..<StoreRoute.mostDirections { _ = route.direct(to: .host("c", port: 3)) }
        let isFollowedForEver = route.direct(to: .host("c", port: 3))
        #expect(!isFollowedForEver)
        route.succeeded()
        let wait = route.failed(chance: 0)
        #expect(wait == .milliseconds(10))
    }
}
