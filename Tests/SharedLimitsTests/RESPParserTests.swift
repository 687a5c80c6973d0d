import SharedLimits
import Testing

struct RESPParserTests {
    @Test(
        "Every kind of reply is read",
        arguments: [
            ("+OK\r\n", .string(Array("OK".utf8))), ("-ERR no\r\n", .error("ERR no")), (":-12\r\n", .integer(-12)),
            ("$5\r\na\r\nbc\r\n", .string(Array("a\r\nbc".utf8))), ("$0\r\n\r\n", .string([])), ("$-1\r\n", .null),
            ("*-1\r\n", .null), ("_\r\n", .null), ("#t\r\n", .boolean(true)), ("#f\r\n", .boolean(false)),
            (",1.5\r\n", .string(Array("1.5".utf8))),
            ("(123456789012345678901\r\n", .string(Array("123456789012345678901".utf8))),
            ("!3\r\nERR\r\n", .error("ERR")), ("=5\r\ntxt:a\r\n", .string(Array("txt:a".utf8))), ("*0\r\n", .array([])),
            ("*2\r\n:1\r\n*1\r\n+a\r\n", .array([.integer(1), .array([.string([97])])])),
            ("~1\r\n:1\r\n", .array([.integer(1)])), ("%1\r\n+k\r\n:1\r\n", .map([.string([107]), .integer(1)])),
            (">1\r\n+m\r\n", .push([.string([109])])), ("|1\r\n+k\r\n:1\r\n:7\r\n", .integer(7)),
        ] as [(String, RESPValue)])
    func kinds(text: String, value: RESPValue) throws {
        for pieces in [[Array(text.utf8)], text.utf8.map { [$0] }] {
            var parser = RESPParser()
            var values: [RESPValue] = []
            for piece in pieces {
                parser.append(piece)
                while let next = try parser.next() { values.append(next) }
            }
            #expect(values == [value])
        }
    }

    @Test(
        "What is no RESP, too large or too deep ends the reading",
        arguments: [
            ("hello\r\n", .notRESP), ("\r\n", .notRESP), (":1x\r\n", .notRESP), ("$-2\r\n", .notRESP),
            ("#y\r\n", .notRESP),
            ("_x\r\n", .notRESP), ("+a\rb", .notRESP), ("$1\r\nab\r\n", .notRESP), ("$99999999\r\n", .tooLarge),
            ("*99999999\r\n", .tooLarge), ("%9223372036854775807\r\n", .tooLarge),
            (String(repeating: "*1\r\n", count: 20), .tooDeep),
            ("+" + String(repeating: "a", count: 1 << 21), .tooLarge),
        ] as [(String, RESPParser.Failure)])
    func failures(text: String, failure: RESPParser.Failure) {
        var parser = RESPParser()
        parser.append(Array(text.utf8))
        #expect(throws: failure) { try parser.next() }
        parser.append(Array("+OK\r\n".utf8))
        #expect(throws: failure) { try parser.next() }
    }

    @Test("Replies follow each other, and half of one waits for the rest")
    func sequence() throws {
        var parser = RESPParser()
        parser.append(Array("+a\r\n:1\r\n$3\r\nab".utf8))
        var read: [RESPValue?] = []
        for _ in 0..<3 { read.append(try parser.next()) }
        #expect(read == [.string([97]), .integer(1), nil])
        parser.append(Array("c\r\n".utf8))
        let last = try parser.next()
        #expect(last == .string(Array("abc".utf8)))
    }

    @Test("A command is an array of strings")
    func command() {
        var bytes: [UInt8] = []
        RESPCommand("SET", "k", "").write(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n")
    }
}
