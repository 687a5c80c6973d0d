import Rehearsal
import Testing

@testable import Providers

@Suite("A filter of the chunk that tells usage")
struct UsageChunkFilterTests {
    private func filter(_ pieces: [ArraySlice<UInt8>]) -> [UInt8] {
        var filter = UsageChunkFilter()
        var passed: [UInt8] = []
        for piece in pieces { passed += pass(piece, through: &filter) }
        return passed + filter.finish()
    }

    private func pass(_ piece: ArraySlice<UInt8>, through filter: inout UsageChunkFilter) -> [UInt8] {
        switch filter.read(piece.span) {
        case .all: Array(piece)
        case .parts(let held, let ranges): held + ranges.flatMap { Array(piece)[$0] }
        }
    }

    private static let usage = #""usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}"#

    /// What stands before the extra event, the event, and what follows.
    static let streams: [(String, String, String)] = {
        let head = #""id":"chatcmpl-1","object":"chat.completion.chunk","created":1721075653,"model":"gpt-4o""#
        let hello = #"{\#(head),"choices":[{"index":0,"delta":{"content":"Hello"}}],"usage":null}"#
        let extra = #"{\#(head),"choices":[],\#(usage)}"#
        return [
            ("data: \(hello)\n\n", "data: \(extra)\n\n", "data: [DONE]\n\n"),
            ("data: \(hello)\r\n\r\n", "data: \(extra)\r\n\r\n", "data: [DONE]\r\n\r\n"),
            ("data: \(hello)\r\r", "data: \(extra)\r\r", "data: [DONE]\r\r"),
            ("", #"data:{\#(usage), "choices" : [ ] }"# + "\n\n", ""),
            ("\n\n: hello\n\n: again\r\n", "data: \(extra)\n\n", ": bye\n\n"),
            (
                // Azure's first chunk has no choices either.
                #"data: {"choices":[],"prompt_filter_results":[{"a":{}}]}"# + "\n\ndata: \(hello)\n\n",
                "id: 7\nevent: x\ndata: {\"choices\":[],\ndata:\(usage)}\n\n", "data: \(hello)\n\ndata: [DONE]\n\n"
            ),
            ("event: error\ndata: {\"error\":{\(usage)}}\n\n", "", ""),
            (#"data: {"choices":[{}],\#(usage)}"# + "\n\n", "", "data: [DONE]\n\n"),
            (#"data: {"choices":null,\#(usage)}"# + "\n\n", "", #"data: [{"choices":[],\#(usage)}]"# + "\n\n"),
            (#"data: {"choices":[],"usage":null}"# + "\n\n", "", #"data: {"choices":[],"usage":7}"# + "\n\n"),
            (#"data: {"choices":[[]],\#(usage)}"# + "\n\n", "", #"data: {"a":{"choices":[],\#(usage)}}"# + "\n\n"),
            ("data: \(hello)\n\ndata: {\"choices\":[],\"us", "", ""),
            ("data: {\"choices\":[],\"x\":\"" + String(repeating: "y", count: 5000) + "\",\(usage)}\n\n", "", ""),
            ("data: hello\n\nno stream at all {\"choices\":[],\(usage)}\n", "", "\n"),
        ]
    }()

    @Test("takes out exactly that event, cut anywhere", arguments: streams)
    func takesOut(before: String, extra: String, after: String) {
        let body = Array((before + extra + after).utf8)[...]
        let wanted = Array((before + after).utf8)
        #expect(filter([body]) == wanted)
        #expect(filter(body.indices.map { body[$0...$0] }) == wanted)
        for cut in body.indices {
            #expect(filter([body[..<cut], body[cut...]]) == wanted, "cut at \(cut)")
        }
    }

    @Test("says that all of a piece passes without making parts of it")
    func passesWhole() {
        var filter = UsageChunkFilter()
        let chunk = Array(Self.streams[0].0.utf8)
        for _ in 0..<3 { #expect(filter.read(chunk.span) == .all) }
        #expect(filter.read(Array("data: [DONE]\n\n".utf8).span) == .all)
    }

    @Test("holds an event only until it can't be the one")
    func holds() {
        var filter = UsageChunkFilter()
        let begin = Array(#"data: {"id":"c","choices":["#.utf8)[...]
        #expect(pass(begin, through: &filter) == [])
        #expect(pass([UInt8(ascii: "{")], through: &filter) == Array(begin) + [UInt8(ascii: "{")])
        #expect(pass(Array(#""delta":"#.utf8)[...], through: &filter) == Array(#""delta":"#.utf8))
    }

    @Test("passes a comment as it comes, also in the middle of a piece")
    func comment() {
        var filter = UsageChunkFilter()
        for piece in [": keep", "-alive\r", "\n", "\r\n", ":", " x\n\n"] {
            #expect(filter.read(Array(piece.utf8).span) == .all, "\(piece)")
        }
    }

    @Test("never holds more than its bound")
    func bounded() {
        var filter = UsageChunkFilter()
        var fed = 0
        var passed = 0
        let piece = Array("data: {\"a\":\"".utf8) + Array(repeating: UInt8(ascii: "x"), count: 100)
        for _ in 0..<100 {
            fed += piece.count
            passed += pass(piece[...], through: &filter).count
            #expect(fed - passed <= UsageChunkFilter.maxHeld)
        }
        #expect(passed > 0)
        #expect(filter.finish().count == fed - passed)
    }

    @Test("loses nothing of anything, in pieces of any size", arguments: [81, 82, 83] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "{", "}", "[", "]", ",", "\"", "\r", "\n", "\r\n\r\n", "data: ", ": c", "\"choices\":[]", "\"usage\":{",
            "\"usage\":null", "{\"choices\":[],\"usage\":{}}", "\n\ndata: {\"choices\":[],\"usage\":{}}\n\n", "[DONE]",
        ]
        var dropped = 0
        for _ in 0..<3000 {
            let text = random.text(from: words, pieces: 40)
            let whole = filter([text[...]])
            if whole.count < text.count { dropped += 1 }
            var pieces: [ArraySlice<UInt8>] = []
            var rest = text[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...min(rest.count, 12), using: &random)
                pieces.append(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(filter(pieces) == whole, "seed \(seed): \(text)")
        }
        #expect(dropped > 100, "seed \(seed): the texts hardly have the event in them")
    }
}
