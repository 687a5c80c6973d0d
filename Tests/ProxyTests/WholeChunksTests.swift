import NIOCore
import Testing

@testable import Proxy

@Suite("Chunks that pass by the parser")
struct WholeChunksTests {
    @Test(
        "are whole and plain, and nothing else has come with them",
        arguments: [
            ("3\r\nabc\r\n", 3), ("3\r\nabc\r\n0A\r\n0123456789\r\n", 13), ("", 0), ("0\r\n\r\n", nil),
            ("3\r\nabc\r\n0\r\n\r\n", nil), ("3\r\nabc", nil), ("3\r\nabc\r", nil), ("3\r\nabcd\r\n", nil),
            ("3\nabc\r\n", nil), ("3;x=1\r\nabc\r\n", nil), (" 3\r\nabc\r\n", nil), ("\r\nabc\r\n", nil),
            ("ffffffffffffffff1\r\nabc\r\n", nil), ("7fffffff\r\nabc\r\n", nil), ("3\r\nabc\r\nx", nil),
            ("-3\r\nabc\r\n", nil), ("0x3\r\nabc\r\n", nil),
        ] as [(String, Int?)])
    func wholeChunks(text: String, length: Int?) {
        let chunks = WholeChunks(ByteBuffer(string: "ab" + text), from: 2)
        #expect(chunks?.length == length)
    }

    @Test("are told one by one")
    func data() throws {
        let chunks = try #require(WholeChunks(ByteBuffer(string: "3\r\nabc\r\n0A\r\n0123456789\r\n")))
        var data: [String] = []
        chunks.forEach { data.append(String(buffer: chunks.data($0))) }
        #expect(data == ["abc", "0123456789"])
    }
}
