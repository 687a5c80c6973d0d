import NIOCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("Fields, from every protocol to every other", .timeLimit(.minutes(2)), .enabled(if: Certificate.canBeMade))
struct FieldMatrixTests {
    private static let long = String(repeating: "0123456789abcdef", count: 512)

    @Test("that repeat, are long or empty pass in their order", arguments: Combination.all)
    func endToEnd(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let fields: HTTPHeaders = [
                "X-Many": "1", "X-Other": "o", "x-many": "2, 3", "X-Long": Self.long, "X-Empty": "", "X-MANY": "4",
            ]
            let asked = try await caller.open(.GET, "/v1/a%2Fb?q=%C3%A9&x", fields)
            let request = try await between.origin.request()
            let head = try await request.head()
            #expect(head.target == "/v1/a%2Fb?q=%C3%A9&x")
            Self.expectAll(head.fields)
            try await request.answer(200, fields + ["Set-Cookie": "a=1", "set-cookie": "b=2"], "ok")
            let answer = try await asked.whole()
            let answered = try #require(answer.head?.fields)
            Self.expectAll(answered)
            #expect(answered["set-cookie"] == ["a=1", "b=2"])
            #expect(answered["via"] == ["1.1 penstock"])
            #expect(answered["server-timing"].first?.contains("penstock-queue;dur=") == true)
        }
    }

    private static func expectAll(_ fields: HTTPHeaders) {
        #expect(fields["x-many"] == ["1", "2, 3", "4"])
        #expect(fields["x-long"] == [long])
        #expect(fields["x-empty"] == [""])
        #expect(fields["x-other"] == ["o"])
    }

    @Test("Cookies that were sent in crumbs are one field again", arguments: Combination.fromHTTP2)
    func cookies(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let asked = try await caller.open(.GET, "/v1", ["cookie": "a=1", "x-other": "o", "Cookie": "b=2; c=3"])
            let request = try await between.origin.request()
            let cookies = try await request.head().fields["cookie"]
            // HTTP/2 may crumble them again on its own.
            #expect(cookies.joined(separator: "; ") == "a=1; b=2; c=3")
            if !combination.upstream.isHTTP2 { #expect(cookies.count == 1) }
            try await request.answer()
            try await asked.whole()
        }
    }

    /// HTTP/2 has no such fields, so only an HTTP/1.1 end can send them.
    private static let hopByHop: HTTPHeaders = [
        "Connection": "X-Hop, keep-alive", "X-Hop": "1", "Keep-Alive": "timeout=5", "Proxy-Connection": "keep-alive",
    ]

    @Test("that are for the neighbour only go no further, in either direction", arguments: Combination.all)
    func neighbours(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let own: HTTPHeaders = [
                "TE": "trailers", "Proxy-Authorization": "Basic dXNlcjpwYXNz", "X-End": "to end",
            ]
            let asked = try await caller.open(.GET, "/v1", caller.isHTTP2 ? own : own + Self.hopByHop)
            let request = try await between.origin.request()
            let fields = try await request.head().fields
            #expect(fields["x-end"] == ["to end"])
            // Where it can stand by itself it passes: gRPC asks for it.
            #expect(fields["te"] == (request.isStream ? ["trailers"] : []))
            Self.expectNone(fields)
            try await request.answer(200, request.isStream ? ["X-End": "x"] : Self.hopByHop + ["X-End": "x"], "ok")
            let answer = try await asked.whole()
            let answered = try #require(answer.head?.fields)
            #expect(answered["x-end"] == ["x"])
            Self.expectNone(answered)
            #expect(answered["transfer-encoding"] == (caller.isHTTP2 ? [] : ["chunked"]))
            try await between.serves(caller)
            #expect(between.origin.count == 1)
        }
    }

    private static func expectNone(_ fields: HTTPHeaders) {
        for name in ["connection", "x-hop", "keep-alive", "proxy-connection", "proxy-authorization"] {
            #expect(fields[name] == [], "\(name)")
        }
    }
}
