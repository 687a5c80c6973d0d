import NIOCore
import Testing

@testable import Proxy

@Suite("Where frames end")
struct FrameBoundaryTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private static func frame(_ kind: UInt8, flags: UInt8 = 0, _ length: Int = 0) -> [UInt8] {
        [UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), kind, flags, 0, 0, 0, 1]
            + Array(repeating: 4, count: length)
    }

    /// After each of these something is open, or not; so many have ended.
    @Test(
        "Only what nobody hears of before it is whole is open",
        arguments: [
            ("a preface", preface, false, 1), ("half of it", Array(preface.prefix(10)), true, 0),
            ("a frame without content", preface + frame(4), false, 2),
            ("half of a frame's header", preface + frame(4).prefix(5), true, 1),
            ("half of a frame", preface + frame(6, 8).prefix(12), true, 1),
            ("half of an unknown frame", preface + frame(0xBB, 70_000).prefix(60_000), true, 1),
            ("a long frame", preface + frame(0xBB, 70_000), false, 2),
            ("a header block", preface + frame(1, flags: 4, 20), false, 2),
            ("its first frame", preface + frame(1, 20), true, 1),
            ("its first two", preface + frame(1, 20) + frame(9, 20), true, 1),
            ("all of it", preface + frame(1, 20) + frame(9, 20) + frame(9, flags: 4), false, 2),
            ("half of a body's frame", preface + frame(0, 100).prefix(50), false, 1),
            ("half of its header", preface + frame(0, 100).prefix(8), true, 1),
            ("all of it, and the next begun", preface + frame(0, 100) + frame(1, 5).prefix(3), true, 2),
        ] as [(String, [UInt8], Bool, UInt32)])
    func open(_ what: String, _ bytes: [UInt8], isOpen: Bool, ended: UInt32) {
        for size in [1, 2, 7, 1000, bytes.count] {
            var boundary = FrameBoundary()
            for start in stride(from: 0, to: bytes.count, by: size) {
                boundary.read(Array(bytes[start..<min(start + size, bytes.count)]).span)
            }
            #expect(boundary.isOpen == isOpen, "\(what), in pieces of \(size)")
            #expect(boundary.ended == ended, "\(what), in pieces of \(size)")
        }
    }
}
