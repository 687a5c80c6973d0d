import Testing

@testable import Telemetry

@Suite("The resident size")
struct ResidentSizeTests {
    @Test(
        "is the second number",
        arguments: [
            ("1200 345 6 7 0 8 0\n", 345), ("1 0 0\n", 0), ("1 2", nil), ("", nil), ("1 x 3", nil), ("1  3", nil),
        ] as [(String, Int?)])
    func parse(text: String, pages: Int?) {
        #expect(ResidentSize.pages(in: Array(text.utf8)) == pages)
    }

    @Test("can be read again and again, and grows with what is used")
    func live() throws {
        let size = ResidentSize()
        let before = try #require(size.bytes)
        let block = [UInt8](repeating: 1, count: 64 << 20)
        let after = try #require(size.bytes)
        #expect(after - before > 32 << 20, "\(before) then \(after), with \(block.count) in use")
    }
}
