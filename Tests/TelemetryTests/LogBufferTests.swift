import Testing

@testable import Telemetry

@Suite("The log's buffer")
struct LogBufferTests {
    private let line = Array("0123456\n".utf8)

    private func lossLine(_ lost: Int) -> [UInt8] { Array("lost \(lost)\n".utf8) }

    @Test("hands out what was put in, in order")
    func order() {
        var buffer = LogBuffer(capacity: 100)
        #expect(!buffer.isDue)
        buffer.append(Array("a\n".utf8))
        buffer.append(Array("b\n".utf8))
        #expect(buffer.isDue)
        let batch = buffer.take(lossLine: lossLine)
        #expect(batch.bytes == Array("a\nb\n".utf8))
        #expect(!buffer.isDue && !buffer.isSettled, "what is being written is not settled")
        buffer.finish(batch, unwritten: [])
        #expect(buffer.isSettled)
    }

    @Test("drops what does not fit, what is being written included, and says how much")
    func overflow() {
        var buffer = LogBuffer(capacity: 24)
        buffer.append(line)
        let first = buffer.take(lossLine: lossLine)
        for _ in 0..<5 { buffer.append(line) }
        #expect(buffer.pending.count == 16)
        #expect(buffer.dropped == 3)
        buffer.finish(first, unwritten: [])
        let second = buffer.take(lossLine: lossLine)
        #expect(second.bytes == line + line + Array("lost 3\n".utf8))
        buffer.finish(second, unwritten: [])
        #expect(buffer.isSettled)
        #expect(buffer.dropped == 3)
    }

    @Test("counts what could not be written, and tells of it only together with the next line")
    func brokenFile() {
        var buffer = LogBuffer(capacity: 100)
        buffer.append(line)
        buffer.append(line)
        let first = buffer.take(lossLine: lossLine)
        buffer.finish(first, unwritten: first.bytes[10...])
        #expect(buffer.dropped == 1)
        #expect(buffer.isSettled, "a loss alone is no reason to try again")
        buffer.append(line)
        let second = buffer.take(lossLine: lossLine)
        #expect(second.bytes == line + Array("lost 1\n".utf8))
        buffer.finish(second, unwritten: second.bytes[...])
        #expect(buffer.dropped == 2, "a lost line about losses is none of them")
        buffer.append(line)
        let third = buffer.take(lossLine: lossLine)
        #expect(third.bytes == line + Array("lost 2\n".utf8))
        buffer.finish(third, unwritten: [])
        #expect(buffer.isSettled)
    }

    @Test("refuses a line that can never fit")
    func hugeLine() {
        var buffer = LogBuffer(capacity: 4)
        buffer.append(line)
        #expect(buffer.pending.isEmpty)
        #expect(buffer.dropped == 1)
    }
}
