import Testing

@testable import Telemetry

@Suite("Text from strangers in a log line")
struct LineTextTests {
    private func json(_ text: String, longest: Int = .max) -> String {
        var bytes: [UInt8] = []
        bytes.appendJSON(text, longest: longest)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "is a valid JSON string",
        arguments: [
            ("", #""""#), ("plain", #""plain""#), (#"a"b\c"#, #""a\"b\\c""#), ("a\nb\rc\td", #""a\nb\rc\td""#),
            ("\u{0}\u{1F}\u{7F}", #""\u0000\u001f\u007f""#), ("\u{80}x\u{9B}2J", #""\u0080x\u009b2J""#),
            ("grüße €😀\u{A0}", "\"grüße €😀\u{A0}\""), ("\u{1B}[31m", #""\u001b[31m""#),
        ])
    func escapes(text: String, expected: String) {
        #expect(json(text) == expected)
    }

    @Test("is repaired where it was no UTF-8")
    func invalidUTF8() {
        #expect(json(String(decoding: [0x61, 0xFF, 0xC2, 0x62], as: UTF8.self)) == "\"a\u{FFFD}\u{FFFD}b\"")
    }

    @Test(
        "is cut between characters",
        arguments: [
            ("abcdef", 6, "\"abcdef\""), ("abcdef", 5, "\"abcde…\""), ("a€b", 3, "\"a…\""), ("a€b", 4, "\"a€…\""),
            ("😀", 3, "\"…\""), ("abc", 0, "\"…\""), ("\n\n", 1, #""\n…""#),
        ])
    func cut(text: String, longest: Int, expected: String) {
        #expect(json(text, longest: longest) == expected)
    }

    @Test(
        "cannot steer a terminal",
        arguments: [
            ("a b", "a b"), ("\u{1B}[2J", #"\u001b[2J"#), ("a\nb", #"a\nb"#), ("\u{9B}", #"\u009b"#),
            (#"a"b\"#, #"a"b\"#),
        ])
    func plain(text: String, expected: String) {
        var bytes: [UInt8] = []
        bytes.appendPlain(text)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test(
        "is quoted as a value where its end would be unclear",
        arguments: [
            ("plain", "plain"), ("", #""""#), ("a b", #""a b""#), ("a=b", #""a=b""#), ("a\"", #""a\"""#),
            ("grün", "grün"),
        ])
    func value(text: String, expected: String) {
        var bytes: [UInt8] = []
        bytes.appendValue(text)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test(
        "Milliseconds have three decimals",
        arguments: [
            (0, "0.000"), (999, "0.000"), (1_000, "0.001"), (12_345_678, "12.345"), (60_000_000_000, "60000.000"),
            (-5, "0.000"),
        ] as [(Int64, String)])
    func milliseconds(nanoseconds: Int64, expected: String) {
        var bytes: [UInt8] = []
        bytes.append(milliseconds: nanoseconds)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test("has whole numbers in decimal", arguments: [0, 1, 9, 10, -1, -10, 99, 100, 1_234_567, Int.max, Int.min])
    func decimal(number: Int) {
        var bytes: [UInt8] = []
        bytes.append(decimal: number)
        #expect(String(decoding: bytes, as: UTF8.self) == "\(number)")
    }

    @Test(
        "has as many digits as asked for, or more",
        arguments: [
            (0, 1, "0"), (0, 3, "000"), (7, 2, "07"), (99, 2, "99"), (100, 2, "100"), (5, 21, "000000000000000000005"),
            (Int64.max, 1, "9223372036854775807"),
        ] as [(Int64, Int, String)])
    func digits(number: Int64, least: Int, expected: String) {
        var bytes: [UInt8] = []
        bytes.append(number, digits: least)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }
}
