import Testing

@testable import Telemetry

/// A generator that counts, so that what is drawn from it is known.
struct CountingNumbers: RandomNumberGenerator, Sendable {
    var last: UInt64 = 0

    mutating func next() -> UInt64 {
        last += 1 << 60
        return last
    }
}

@Suite("A trace's context")
struct TraceContextTests {
    static let usual = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test(
        "is read as W3C writes it",
        arguments: [
            (usual, true), ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", true),
            ("00-00000000000000000000000000000001-0000000000000001-fe", false),
            ("00-10000000000000000000000000000000-0000000000000001-01", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like", true),
        ])
    func valid(text: String, isSampled: Bool) throws {
        #expect(try #require(TraceContext(text)).isSampled == isSampled)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "00", "00-", "-", usual + "-", usual + "-00", usual + "0", String(usual.dropLast()), " " + usual,
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", usual.uppercased(),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x", "１1-" + usual.dropFirst(3),
        ])
    func invalid(text: String) {
        #expect(TraceContext(text) == nil)
    }

    @Test(
        "goes on with another parent, in the version that is written here",
        arguments: [("00-", "01", "01"), ("00-", "00", "00"), ("00-", "ff", "03"), ("0a-", "02", "02")])
    func field(version: String, flags: String, expected: String) throws {
        let rest = "4bf92f3577b34da6a3ce929d0e0e4736-"
        let context = try #require(TraceContext(version + rest + "00f067aa0ba902b7-" + flags))
        let field = context.field(from: SpanID(0xb7ad_6b71_6920_3331))
        #expect(field == "00-" + rest + "b7ad6b7169203331-" + expected)
        #expect(TraceContext(field)?.trace == context.trace)
    }

    @Test("Numbers of spans come from the generator")
    func numbers() {
        var numbers = CountingNumbers()
        let drawn = (0..<8).map { _ in SpanID.random(using: &numbers) }
        #expect(Set(drawn).count == 8)
    }
}
