import Testing

@testable import Providers

@Suite("The end of a stream that nobody reads")
struct StreamEndTests {
    private func end(_ pieces: [String], from start: StreamEnd = .open) -> StreamEnd {
        var end = start
        for piece in pieces { end.take(Array(piece.utf8).span) }
        return end
    }

    @Test(
        "is seen at the end of a piece",
        arguments: [
            ["data: [DONE]\n\n"], ["data: {}\n\n", "data: [DONE]\r\n\r\n"], ["data: [DONE]\n", "\n"], ["[DONE]"],
            ["data: {\"type\": \"message_stop\" }\n\n"], ["data: {\"type\":\"message_stop\"}\n\n", ""],
        ])
    func reached(pieces: [String]) {
        #expect(end(pieces) == .reached)
    }

    @Test(
        "is nowhere else",
        arguments: [[""], ["\n\n"], ["DONE]"], ["data: [DONE]\n\n", "data: {}\n\n"], ["[DONE] or not\n"]])
    func open(pieces: [String]) {
        #expect(end(pieces) == .open)
    }

    @Test("is not looked for where nobody asked")
    func unwatched() {
        #expect(end(["data: [DONE]\n\n"], from: .unwatched) == .unwatched)
    }
}
