import NIOCore
import NIOPosix
import Testing

@testable import penstock

@Suite("penstock top")
struct TopTests {
    /// What `/status` says of a proxy with one upstream that is full and one that is paused.
    private static let status = #"""
        {"version":"0.1.0","ready":true,"draining":false,"connections":34,
        "guard":{"level":"calm","memory":{"buffered":0,"resident":26214400,"bound":536870912},
        "connections":{"open":34,"value":9836,"configured":10000,"reset":0,"accept_failures":0},
        "descriptors":{"open":82,"value":20000},"loop_lag_ms":1},
        "upstreams":{"openai":{"url":"https://api.openai.com","provider":"openai","in_flight":12,"queued":15,
        "paused_ms":null,"breaker":{"state":"closed","next_probe_ms":null},"adaptive_limit":null,
        "retry_budget":{"used":0,"value":10},
        "limits":[{"name":"account","mode":"enforce","per":[],"count":1,"in_use":[{"in_flight":{"value":12,"used":12,
        "remaining":0},"requests/60s":{"value":600,"used":198,"remaining":402,"enforced_window_ms":1000},
        "queued":15,"next_free_ms":null}]},
        {"name":"tenant","mode":"observe","per":["tenant"],"count":3,"in_use":[
        {"for":{"tenant":"idle"},"in_flight":{"value":4,"used":0,"remaining":4},"queued":0,"next_free_ms":0},
        {"for":{"tenant":"acme"},"in_flight":{"value":4,"used":3,"remaining":1},"queued":10,"next_free_ms":1500}]}],
        "fair_by":["tenant","priority"],"tenant_count":7,
        "tenants":{"bad\u001b[31m\u202e":{"in_flight":1,"queued":0,"wait":null},
        "acme":{"in_flight":3,"queued":10,"wait":{"ms":2800,"because":"limit",
        "reason":"limit \"account\" (12 requests in flight)","limit":"account","ends_in_ms":400}}},
        "pool":{"protocol":"h2","idle":1,"active":2,"connecting":1,"waiting":0},
        "refusals":[{"tenant":"hasty","status":429,"error":"http_request_denied","limit":"account",
        "reason":"no turn came within 1 second","count":14,"first_ms_ago":9000,"last_ms_ago":524}],
        "last_seconds":{"requests":[0,4,8],"in_flight":[0,6,12],"queued":[0,0,15],"refused":[0,1,2],
        "throttled":[0,0,1]}},
        "anthropic":{"url":"https://api.anthropic.com","in_flight":0,"queued":4,"paused_ms":43000,
        "breaker":{"state":"open","next_probe_ms":9000},"adaptive_limit":8}}}
        """#

    private static func frame(trouble: String? = nil) throws -> TopFrame {
        TopFrame(
            standing: try #require(Standing(status: Array(status.utf8))), address: "127.0.0.1:9090", trouble: trouble)
    }

    private static func text(width: Int = 120, height: Int = .max) throws -> [String] {
        try frame().lines(width: width, height: height).map { $0.text() }
    }

    @Test("shows limits, who waits and why, refusals, pauses and the process", arguments: [80, 120, 200])
    func parts(width: Int) throws {
        let text = try Self.text(width: width).joined(separator: "\n")
        for part in [
            "penstock 0.1.0 at 127.0.0.1:9090  ready", "12 in flight, 19 waiting", "memory 25 of 512 MiB",
            "34 of 9836 connections", "12 of 12 in flight", "198 of 600 requests/min", "HTTP/2, 2 in use, 1 idle",
            "paused, because the provider said when to come back; goes on in 43 s", "next probe in 9.0 s",
            "adaptive: at most 8 in flight for now", "no turn came within 1 second", "2.8 s", "1.5 s", "and 5 more",
            "requests/s", " 4.0", " 3+1",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("idle ·") && !text.contains("· idle"))
    }

    @Test("says all of why somebody waits where there is room")
    func why() throws {
        let text = try Self.text().joined(separator: "\n")
        #expect(text.contains(#"limit "account" (12 requests in flight), 400 ms left"#))
        #expect(text.contains("tenant (only observed) · acme"))
    }

    @Test("orders by what waits, and the slots of a limit before its rates")
    func order() throws {
        let standing = try Self.frame().standing
        #expect(standing.upstreams.map(\.name) == ["anthropic", "openai"])
        #expect(standing.upstreams[1].tenants.map(\.name) == ["acme", "bad?[31m?"])
        #expect(standing.upstreams[1].limits[0].terms.map(\.name) == ["in flight", "requests/min"])
    }

    @Test("what callers call themselves never reaches the terminal as a command")
    func printable() throws {
        for line in try Self.text() {
            #expect(line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, "\(line)")
            #expect(!line.unicodeScalars.contains("\u{202E}"))
        }
    }

    @Test(
        "fits any terminal",
        arguments: [(40, 10), (60, 24), (80, 24), (80, 25), (100, 1), (132, 43), (250, 80), (80, 12), (1, 3)])
    func fits(width: Int, height: Int) throws {
        let lines = try Self.frame(trouble: "nothing answers").lines(width: width, height: height)
        #expect(lines.count <= height)
        #expect(lines.allSatisfy { $0.text(width: width).columns <= width })
        if width >= 80 {
            // Nothing is wider than it should be but what ends in free text.
            let fixed = lines.filter { !$0.text().contains("requests in flight)") }
            #expect(fixed.allSatisfy { $0.columns <= width }, "\(fixed.map { $0.text() }.filter { $0.count > width })")
        }
    }

    @Test("with less height the tables get shorter, and what matters most stays")
    func short() throws {
        let all = try Self.text(width: 100)
        let most = try Self.text(width: 100, height: all.count - 1)
        #expect(most.count <= all.count - 1 && most.contains { $0.contains("acme") })
        let few = try Self.text(width: 100, height: 16)
        #expect(few.contains { $0.contains("held back by") } && !few.contains { $0.contains("no turn came") })
        #expect(try Self.text(width: 100, height: 5).last == "… the terminal has no more lines")
    }

    @Test("an old picture says that it is old")
    func trouble() throws {
        let lines = try Self.frame(trouble: "nothing answers at a:1").lines(width: 100).map { $0.text() }
        #expect(lines.contains("nothing answers at a:1; what you see is old"))
    }

    @Test(
        "what is not Penstock's is not shown as if it were",
        arguments: [
            "", "{}", "[]", "<html>", #"{"version":"1"}"#, #"{"upstreams":{}}"#, #"{"version":1,"upstreams":{}}"#,
        ])
    func foreign(body: String) {
        #expect(Standing(status: Array(body.utf8)) == nil)
    }

    @Test("a proxy without anything yet has a picture")
    func empty() throws {
        let standing = try #require(Standing(status: Array(#"{"version":"9","upstreams":{"a":{}}}"#.utf8)))
        let lines = TopFrame(standing: standing, address: "a:1").lines(width: 80)
        #expect(lines.contains { $0.text().hasPrefix("a ") } && lines.count < 8)
    }
}

@Suite("Text on a terminal")
struct TextColumnsTests {
    @Test(
        "wide characters take two columns, marks none of their own",
        arguments: [("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢字", 4), ("👍", 2), ("한글", 4), ("▁█", 2), ("", 0)])
    func columns(text: String, columns: Int) {
        #expect(text.columns == columns)
    }

    @Test(
        "a cut never splits a wide character", arguments: [(0, ""), (1, ""), (2, "漢"), (3, "漢"), (4, "漢字"), (9, "漢字")])
    func cut(width: Int, text: String) {
        #expect("漢字".cut(width) == text)
        #expect("漢字".left(5).columns == 5 && "漢字".right(5).columns == 5)
    }

    @Test(
        "what a terminal obeys is not printed",
        arguments: [
            ("a\u{1B}[2Jb", "a?[2Jb"), ("\u{9B}1m", "?1m"), ("a\nb\r\tc\u{7F}", "a?b??c?"),
            ("\u{202E}x\u{200B}", "?x?"),
            ("naïve 漢 👍", "naïve 漢 👍"),
        ])
    func printable(text: String, printed: String) {
        #expect(text.printable == printed)
    }

    @Test(
        "a curve has its most at the top, nothing at the bottom, and the latest at the right",
        arguments: [
            ([0, 1, 8, 4], 4, "▁▂█▅"), ([0, 0], 5, "▁▁"), ([], 5, ""), ([5], 0, ""), ([1, 2, 3, 4, 5], 2, "▄█"),
            ([9, 0, 0, 0], 2, "█▁"), ([1000, 1], 2, "█▂"), ([7], 3, "█"), ([-1, 3], 2, "▁█"),
        ] as [([Int], Int, String)])
    func curve(numbers: [Int], width: Int, text: String) {
        #expect(Sparkline.text(numbers, width: width) == text)
    }

    @Test(
        "lengths of time are short",
        arguments: [
            (0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (9_999, "10.0 s"), (10_001, "11 s"), (119_000, "119 s"),
            (120_000, "2 min"), (7_199_999, "120 min"), (7_200_000, "2 h"), (86_400_000, "24 h"),
        ])
    func time(milliseconds: Int, text: String) {
        #expect(Figures.time(milliseconds) == text)
    }
}

@Suite("Where penstock top reads", .timeLimit(.minutes(1)))
struct StatusSourceTests {
    /// Says the same to whoever connects, whatever they ask.
    private static func serving(_ text: String, _ body: (String) async throws -> Void) async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter(text: text))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        do {
            try await body("127.0.0.1:\(port)")
        } catch {
            try? await server.close()
            throw error
        }
        try? await server.close()
    }

    private final class Greeter: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let text: String
        init(text: String) { self.text = text }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
            context.close(promise: nil)
        }
    }

    private static func answer(_ body: String, _ status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    }

    private static func failure(at address: String) async throws -> String {
        var source = try StatusSource(AdminDoor(address, authorities: nil))
        do {
            _ = try await source.read()
            return "none"
        } catch {
            return error.description
        }
    }

    @Test("an answer is read, also from an address that was written as a URL, and also again")
    func read() async throws {
        try await Self.serving(Self.answer(#"{"version":"9","upstreams":{"é":{}}}"#)) { address in
            var source = try StatusSource(AdminDoor("http://\(address)/", authorities: nil))
            #expect(try await source.read().upstreams.map(\.name) == ["é"])
            #expect(try await source.read().version == "9")
            #expect(source.name == address)
        }
    }

    @Test(
        "what is not Penstock's says so in a line",
        arguments: [
            (answer("<html>"), "but not as"), (answer("{}", "404 Not Found"), "but not as"),
            ("SSH-2.0-x\r\n", "but not as"),
            ("", "gave no answer"),
        ])
    func foreign(text: String, part: String) async throws {
        try await Self.serving(text) { address in
            let failure = try await Self.failure(at: address)
            #expect(failure.contains(part) && failure.contains(address) && !failure.contains("\n"), "\(failure)")
        }
    }

    @Test("nothing there, and what is no address, say so in a line")
    func nothing() async throws {
        var free = ""
        try await Self.serving("") { free = $0 }
        #expect(try await Self.failure(at: free).contains("nothing answers at \(free)"))
        #expect(try await Self.failure(at: "unix:/no/such/socket").contains("nothing answers at unix:/no/such/socket"))
        for text in ["nonsense", "https://", "https://127.0.0.1"] {
            #expect(throws: AdminDoor.Unusable.self) { try AdminDoor(text, authorities: nil) }
        }
        #expect(throws: AdminDoor.Unusable.self) { try AdminDoor("127.0.0.1:1", authorities: "/etc/ssl/ca.pem") }
        #expect(throws: AdminDoor.Unusable.self) { try AdminDoor("https://127.0.0.1:1", authorities: "/no/such/file") }
    }
}
