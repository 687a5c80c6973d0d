import NIOCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("Answers, from every protocol to every other", .timeLimit(.minutes(2)), .enabled(if: Certificate.canBeMade))
struct AnswerMatrixTests {
    @Test("What comes before an answer passes, but for what the proxy says itself", arguments: Combination.all)
    func information(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let asked = try await caller.open()
            let request = try await between.origin.request()
            try await request.send(.status(103, ["Link": "</a>; rel=preload"], isEnd: false))
            try await request.send(.status(100, [:], isEnd: false))
            try await request.send(.status(103, ["Link": "</b>; rel=preload"], isEnd: false))
            try await request.answer(200, [:], "ok")
            let answer = try await asked.whole()
            #expect(answer.informational.map(\.status) == [103, 103])
            #expect(answer.informational.map { $0.fields["link"] } == [["</a>; rel=preload"], ["</b>; rel=preload"]])
            #expect(answer.head?.status == 200 && answer.text == Array("ok".utf8))
            try await between.serves(caller)
        }
    }

    /// Answers that have no body, whatever they say of its length.
    private static let empty: [(HTTPMethod, Int, HTTPHeaders)] = [
        (.HEAD, 200, [:]), (.HEAD, 200, ["Content-Length": "5"]), (.HEAD, 404, ["Content-Length": "5"]),
        (.GET, 204, [:]), (.GET, 204, ["Content-Length": "0"]), (.GET, 304, [:]),
        (.GET, 304, ["Content-Length": "5"]), (.POST, 200, ["Content-Length": "0"]), (.POST, 404, [:]),
    ]

    @Test("without a body end at once, and the connection serves on", arguments: Combination.all)
    func withoutBody(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            for (method, status, fields) in Self.empty {
                let asked = try await caller.open(method)
                let request = try await between.origin.request()
                #expect(try await request.head().method == method)
                try await request.answer(status, fields)
                let answer = try await asked.whole()
                #expect(answer.head?.status == status && answer.count == 0, "\(method) \(status) \(fields)")
                // The length of what is not there may be said (RFC 9110 §8.6), but for an answer that never has any.
                let said = status == 204 ? [] : fields["content-length"]
                #expect(answer.head?.fields["content-length"] == said, "\(method) \(status) \(fields)")
            }
            try await between.serves(caller)
            // NIO's parser wants to see the end of the connection after an answer to HEAD that says no length.
            #expect(between.origin.count == (combination.upstream.isHTTP2 ? 1 : 2))
        }
    }

    @Test("Trailers pass both ways", arguments: Combination.all)
    func trailers(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let asked = try await caller.open(.POST, "/v1", ["Trailer": "X-Sum"], isEnd: false)
            try await asked.send(.body(ByteBuffer(string: "body"), isEnd: false))
            try await asked.send(.end(["X-Sum": "1", "x-note": "a", "X-Note": "b"]))
            let request = try await between.origin.request()
            let received = try await request.whole()
            #expect(received.text == Array("body".utf8))
            #expect(received.trailers["x-sum"] == ["1"] && received.trailers["x-note"] == ["a", "b"])
            try await request.send(.status(200, [:], isEnd: false))
            try await request.send(.body(ByteBuffer(string: "answer"), isEnd: false))
            try await request.send(.end(["grpc-status": "0", "Grpc-Message": ""]))
            let answer = try await asked.whole()
            #expect(answer.text == Array("answer".utf8))
            #expect(answer.trailers["grpc-status"] == ["0"] && answer.trailers["grpc-message"] == [""])
            try await between.serves(caller)
        }
    }

    /// What must not come behind a body, one of each kind (RFC 9110 §6.5.1); framing ends the message before.
    private static let forbidden: HTTPHeaders = [
        "Host": "other", "Authorization": "Bearer x", "Set-Cookie": "a=1", "Cache-Control": "no-store",
        "Content-Type": "text/plain",
    ]

    @Test("Trailers that would change what the message is are dropped", arguments: Combination.all)
    func forbiddenTrailers(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let asked = try await caller.open(.POST, "/v1", [:], isEnd: false)
            try await asked.send(.body(ByteBuffer(string: "body"), isEnd: false))
            try await asked.send(.end(Self.forbidden + ["X-Tenant-Id": "other", "X-Sum": "1"]))
            let request = try await between.origin.request()
            #expect(try await request.whole().trailers.map { $0.name.lowercased() } == ["x-sum"])
            try await request.send(.status(200, [:], isEnd: false))
            try await request.send(.body(ByteBuffer(string: "news"), isEnd: false))
            try await request.send(.end(Self.forbidden + ["X-Sum": "2"]))
            #expect(try await asked.whole().trailers.map { $0.name.lowercased() } == ["x-sum"])
            try await between.serves(caller)
        }
    }

    @Test("that come early arrive whole, and the connection serves on", arguments: Combination.all)
    func early(combination: Combination) async throws {
        try await combination.run { between in
            for (number, status) in [413, 200].enumerated() {
                let caller = try await between.connect()
                let asked = try await caller.open(.POST, "/v1", ["Content-Length": "100000"], isEnd: false)
                try await asked.send(.body(Pattern.bytes(at: 0, 1000), isEnd: false))
                let request = try await between.origin.request()
                try await request.received(1000)
                try await request.answer(status, ["Content-Length": "5"], "early")
                let answer = try await asked.whole()
                #expect(answer.head?.status == status && answer.text == Array("early".utf8))
                // What was not sent is not waited for.
                #expect(try await !request.over().isEnded)
                if caller.isHTTP2 {
                    #expect(try await asked.over().resetCode == .noError)
                } else {
                    #expect(answer.head?.fields["connection"] == [])
                    try await asked.send(.body(Pattern.bytes(at: 1000, 99_000), isEnd: true))
                }
                try await between.serves(caller)
                #expect(between.outcomes("ok") == number + 1 + number)
            }
        }
    }

    @Test("that come early arrive whole also where the caller takes them bit by bit", arguments: Combination.fromHTTP2)
    func earlyAndSlow(combination: Combination) async throws {
        var rules = Combination.Rules()
        rules.callers.window = 4096
        try await combination.run(rules) { between in
            let caller = try await between.connect()
            let asked = try await caller.open(.POST, "/v1", [:], isEnd: false)
            let request = try await between.origin.request()
            try await request.send(.status(200, [:], isEnd: false))
            async let sent: Void = request.sendPattern(40_000)
            let answer = try await asked.whole()
            try await sent
            #expect(answer.count == 40_000 && answer.isPattern)
            try await between.serves(caller)
        }
    }

    @Test("Who asks before sending a body is told to go on", arguments: Combination.all)
    func expectation(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let asked = try await caller.open(
                .POST, "/v1", ["Expect": "100-continue", "Content-Length": "4"], isEnd: false)
            _ = try await asked.inbox.wait(for: "100") { $0.informational.first?.status == 100 ? true : nil }
            try await asked.send(.body(ByteBuffer(string: "body"), isEnd: true))
            let request = try await between.origin.request()
            let received = try await request.whole()
            #expect(received.head?.fields["expect"] == [] && received.text == Array("body".utf8))
            try await request.answer(200, [:], "ok")
            let answer = try await asked.whole()
            #expect(answer.head?.status == 200 && answer.informational.map(\.status) == [100])
            try await between.serves(caller)
        }
    }

    @Test("An answer and its request may go on side by side", arguments: Combination.all)
    func duplex(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let asked = try await caller.open(.POST, "/v1", [:], isEnd: false)
            let request = try await between.origin.request()
            try await request.send(.status(200, [:], isEnd: false))
            try await asked.head()
            for turn in 0..<10 {
                try await asked.send(.body(Pattern.bytes(at: turn * 1000, 1000), isEnd: false))
                try await request.received((turn + 1) * 1000)
                try await request.send(.body(Pattern.bytes(at: turn * 2000, 2000), isEnd: false))
                try await asked.received((turn + 1) * 2000)
            }
            try await asked.send(.end([:]))
            #expect(try await request.whole().isPattern)
            try await request.send(.end([:]))
            let answer = try await asked.whole()
            #expect(answer.count == 20_000 && answer.isPattern)
            try await between.serves(caller)
            #expect(between.origin.count == 1 && between.outcomes("ok") == 2)
        }
    }

    @Test(
        "A length and trailers: the body is right, and trailers pass where both sides have them",
        arguments: Combination.all)
    func trailersAfterLength(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let length: HTTPHeaders = ["Content-Length": "4"]
            let asked = try await caller.open(.POST, "/v1", length, isEnd: false)
            try await asked.send(.body(ByteBuffer(string: "body"), isEnd: false))
            try await asked.send(.end(["X-Sum": "1"]))
            let request = try await between.origin.request()
            let received = try await request.whole()
            try await request.send(.status(200, length, isEnd: false))
            try await request.send(.body(ByteBuffer(string: "news"), isEnd: false))
            try await request.send(.end(["X-Sum": "2"]))
            let answer = try await asked.whole()
            #expect(received.text == Array("body".utf8) && answer.text == Array("news".utf8))
            // A body with a length has no place for them in HTTP/1.1.
            let mayPass = caller.isHTTP2 && request.isStream
            #expect(received.trailers["x-sum"] == (mayPass ? ["1"] : []))
            #expect(answer.trailers["x-sum"] == (mayPass ? ["2"] : []))
            try await between.serves(caller)
            #expect(between.origin.count == 1)
        }
    }
}
