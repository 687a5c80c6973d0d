import Testing

@testable import ProviderSimulator

@Suite("JSON")
struct JSONValueTests {
    @Test(
        "is read",
        arguments: [
            ("null", JSONValue.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .number(0)),
            ("-12.5e+2", .number(-1_250)), (#""""#, .string("")),
            (#""a\"\\\/\b\f\n\r\tz""#, .string("a\"\\/\u{8}\u{c}\n\r\tz")),
            (#""\u00e9\uD83D\uDE00""#, .string("é😀")), (#""\ud83d!""#, .string("\u{FFFD}!")),
            (#""\ud83d\u0041""#, .string("\u{FFFD}A")), (#""é😀""#, .string("é😀")),
            ("[]", .array([])), ("[1, [2],{} ]", .array([.number(1), .array([.number(2)]), .object([:])])),
            (#"{ "a" : 1 , "b" : {"c":null} }"#, .object(["a": .number(1), "b": .object(["c": .null])])),
        ])
    func read(text: String, value: JSONValue) {
        #expect(JSONValue(text.utf8) == value)
    }

    @Test(
        "is refused where it is not JSON",
        arguments: [
            "", " ", "nul", "tru e", "01", "+1", ".5", "1.", "1.e5", "--1", "1e", "NaN", "Infinity", "'a'", "\"a",
            "\"\\x\"",
            "\"\\u12g4\"", "\"\\u+123\"", "\"a\nb\"", "[", "[1,]", "[1 2]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
            "{a:1}",
            "1 2", "[]]",
        ])
    func refused(text: String) {
        #expect(JSONValue(text.utf8) == nil)
    }

    @Test("is refused with bytes that are no UTF-8, and with nesting that would exhaust the stack")
    func hostile() {
        #expect(JSONValue([0x22, 0xFF, 0x22]) == nil)
        #expect(JSONValue(Array(repeating: UInt8(ascii: "["), count: 100_000)) == nil)
        let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(JSONValue(deep.utf8) != nil)
    }

    @Test("gives members by name and whole numbers only where they are")
    func members() {
        let value = JSONValue(#"{"n":3,"f":3.5,"big":1e300,"s":"x","t":true,"l":[1]}"#.utf8)
        #expect(value?["n"]?.integer == 3)
        #expect(value?["f"]?.integer == nil)
        #expect(value?["big"]?.integer == nil)
        #expect(value?["s"]?.text == "x")
        #expect(value?["t"]?.isTrue == true)
        #expect(value?["l"]?.items == [.number(1)])
        #expect(value?["x"] == nil)
    }

    @Test("texts are quoted so that they are read back", arguments: ["", "a\"b\\c", "\n\r\t\u{0}\u{1f}", "é😀"])
    func quoting(text: String) {
        #expect(JSONValue(quoted(text).utf8) == .string(text))
    }
}
