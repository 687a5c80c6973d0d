import Rehearsal
import Testing

@testable import Providers

@Suite("A peek into JSON")
struct JSONPeekTests {
    private func values(_ text: String, at path: JSONPath, partial: Bool = false) -> [String] {
        var peek = JSONPeek([path])
        peek.read(Array(text.utf8).span)
        peek.finish(keepsPartialText: partial)
        return peek.values[0].map(\.text)
    }

    @Test(
        "finds scalars at their path only",
        arguments: [
            (#"{"a":"x"}"#, ["x"]),
            (#" { "a" : "x" } "#, ["x"]),
            ("\u{FEFF}{\"a\":\"x\"}", ["x"]),
            (#"{"a":12}"#, ["12"]),
            (#"{"a":-1.5e3,"b":1}"#, ["-1.5e3"]),
            (#"{"a":true}"#, ["true"]),
            (#"{"a":null}"#, ["null"]),
            (#"{"a":""}"#, [""]),
            (#"{"b":{"a":"no"},"a":"x"}"#, ["x"]),
            (#"{"b":[{"a":"no"},[["a","no"]]],"a":"x"}"#, ["x"]),
            (#"{"b":"a","a":"x"}"#, ["x"]),
            (#"{"b":"\"a\":\"no\"","a":"x"}"#, ["x"]),
            (#"{"b":"{\\","a":"x"}"#, ["x"]),
            (#"{"b":"}]","a":"x"}"#, ["x"]),
            (#"{"a":{"a":"no"}}"#, []),
            (#"{"a":["x",{"b":1},"y"]}"#, ["x", "y"]),
            (#"[{"a":"x"},{"a":"y"}]"#, ["x", "y"]),
            (#"{"a":"x","a":"y"}"#, ["x", "y"]),
            (#"{"ab":"no","A":"no"}"#, []),
            (#"{"a":"x"}{"a":"no"}"#, ["x"]),
            (#"{"\u0061":"x"}"#, ["x"]),
            (#"{}"#, []),
            ("", []),
            (#""a""#, []),
            ("<html>{\"a\":\"no\"}</html>", []),
            ("\u{1F}\u{8B}{\"a\":1}", []),
            (#"{"a":"x"]"#, ["x"]),
        ])
    func findsAtPath(text: String, found: [String]) {
        #expect(values(text, at: "a") == found)
    }

    @Test(
        "unescapes what it finds",
        arguments: [
            (#"{"a":"\"\\\/\b\f\n\r\t"}"#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#"{"a":"\u00e9\u4F60"}"#, "é你"),
            (#"{"a":"\ud83d\ude00!"}"#, "😀!"),
            (#"{"a":"\ud83d!"}"#, "\u{FFFD}!"),
            (#"{"a":"\ude00"}"#, "\u{FFFD}"),
            (#"{"a":"\ud83d\ud83d\ude00"}"#, "\u{FFFD}😀"),
            (#"{"a":"\ud83d"}"#, "\u{FFFD}"),
            (#"{"a":"é😀"}"#, "é😀"),
        ])
    func unescapes(text: String, found: String) {
        #expect(values(text, at: "a") == [found])
    }

    @Test("reaches through objects and arrays")
    func nested() {
        let text = #"""
            {"error":{"details":[{"@type":"Info"},{"retryDelay":"26s","violations":[{"quotaId":"PerDay"}]}]},
             "details":{"retryDelay":"no"}}
            """#
        #expect(values(text, at: "error.details.retryDelay") == ["26s"])
        #expect(values(text, at: "error.details.violations.quotaId") == ["PerDay"])
    }

    @Test("keeps a string that was cut off only where asked to", arguments: [#"{"a":"try aga"#, #"{"a":"try aga\"#])
    func cutOff(text: String) {
        #expect(values(text, at: "a") == [])
        #expect(values(text, at: "a", partial: true) == ["try aga"])
    }

    @Test("steps over any depth in bounded memory")
    func deep() {
        let depth = 100_000
        let text =
            #"{"b":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + #","a":"x"}"#
        #expect(values(text, at: "a") == ["x"])
        #expect(values(String(repeating: #"{"a":"#, count: depth), at: "a") == [])
        #expect(values(String(repeating: "[", count: depth) + #"{"a":1}"#, at: "a") == [])
    }

    @Test("keeps the last of many and no more than it may of a long one")
    func bounded() {
        let many = (0..<100).map { #""a":"\#($0)""# }.joined(separator: ",")
        #expect(values("{\(many)}", at: "a") == (92..<100).map(String.init))
        var peek = JSONPeek(["a"], maxText: 4)
        peek.read(Array(#"{"a":"12345678"}"#.utf8).span)
        #expect(peek.values[0].map(\.text) == ["1234"])
    }

    @Test("finds the same however the text is cut into pieces")
    func pieces() {
        let text = Array(
            #"{"b":"xxxxxxxxxxxxxxxx\\\"\u0022","c":[1,{"a":0}],"d":{"a":1},"\u0061":"x\ud83d\ude00\n","a":12}"#.utf8)
        var whole = JSONPeek(["a", "d.a"])
        whole.read(text.span)
        #expect(whole.values.map { $0.map(\.text) } == [["x😀\n", "12"], ["1"]])
        for size in 1..<text.count {
            var peek = JSONPeek(["a", "d.a"])
            for start in stride(from: 0, to: text.count, by: size) {
                peek.read(Array(text[start..<min(start + size, text.count)]).span)
            }
            #expect(peek.values == whole.values, "pieces of \(size)")
            #expect(peek.isEnded)
        }
    }

    @Test("survives anything, with what it keeps bounded", arguments: [1, 2, 3, 4] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\"a\"", "\"b\":", "\"a\":", "\\u", "d83d", "\\ude00", "true",
            "null", "-1.5", " ", "é", "longer plain text ",
        ]
        for _ in 0..<3000 {
            let text = random.text(from: words, pieces: 60)
            var whole = JSONPeek(["a", "a.b", "b.a.a"], maxText: 32)
            whole.read(text.span)
            var pieces = JSONPeek(["a", "a.b", "b.a.a"], maxText: 32)
            var rest = text[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...rest.count, using: &random)
                pieces.read(Array(rest.prefix(size)).span)
                rest = rest.dropFirst(size)
            }
            #expect(whole.values == pieces.values, "seed \(seed): \(text)")
            #expect(whole.isEnded == pieces.isEnded, "seed \(seed): \(text)")
            for found in whole.values {
                #expect(found.count <= JSONPeek.maxPerPath)
                // A byte that is no UTF-8 becomes three.
                #expect(found.allSatisfy { $0.text.utf8.count <= 3 * 32 })
            }
        }
    }
}

@Suite("JSON that Penstock writes")
struct JSONTextTests {
    @Test(
        "escapes what must be escaped",
        arguments: [
            ("plain", #""plain""#),
            ("", #""""#),
            ("a\"b\\c", #""a\"b\\c""#),
            ("\n\r\t\u{0}\u{1F}\u{7F}", "\"\\n\\r\\t\\u0000\\u001f\u{7F}\""),
            ("é你😀/", "\"é你😀/\""),
        ])
    func escapes(text: String, json: String) {
        #expect(String(decoding: JSONText(.string(text)).bytes, as: UTF8.self) == json)
    }

    @Test("keeps the order of members")
    func order() {
        let value = JSONText.Value.object([
            ("b", .number(-1)), ("a", .array([.null, .object([]), .array([])])), ("\"", .string("x")),
        ])
        #expect(String(decoding: JSONText(value).bytes, as: UTF8.self) == #"{"b":-1,"a":[null,{},[]],"\"":"x"}"#)
    }

    @Test("is read back as it was written", arguments: [11, 12] as [UInt64])
    func roundTrip(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let text = String(
                decoding: random.text(from: ["a\"", "\\", "é", "\n", "\u{1}", "😀"], pieces: 20), as: UTF8.self)
            var peek = JSONPeek(["error.message"])
            peek.read(JSONText(.object([("error", .object([("message", .string(text))]))])).bytes.span)
            #expect(peek.values[0].map(\.text) == [text], "seed \(seed)")
        }
    }
}
