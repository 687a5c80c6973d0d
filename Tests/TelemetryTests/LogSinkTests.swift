import Testing

@testable import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("The log's sink")
struct LogSinkTests {
    private let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [0x0A]
    private let seconds: Int64 = 1_000_000_000

    @Test("writes lines in order")
    func order() throws {
        let pipe = try Pipe()
        let sink = LogSink(file: pipe.writing, style: .json)
        for number in 0..<100 { sink.append(Array("\(number)\n".utf8)) }
        #expect(sink.flush(atMostNanoseconds: 10 * seconds))
        let expected = (0..<100).map { "\($0)\n" }.joined()
        #expect(String(decoding: pipe.read(atLeast: expected.utf8.count), as: UTF8.self) == expected)
    }

    @Test("has nothing to flush before the first line")
    func flushWithoutLines() {
        #expect(LogSink(file: -1, style: .json).flush(atMostNanoseconds: 0))
    }

    @Test("never blocks on a pipe that nobody reads, counts what it drops, and tells of it later")
    func blockedPipe() throws {
        let pipe = try Pipe()
        let sink = LogSink(file: pipe.writing, style: .json, capacity: 100_000)
        // A pipe holds 64 KiB and the sink 100 kB: of a megabyte most must go, without anybody waiting.
        for _ in 0..<1_000 { sink.append(line) }
        #expect(!sink.flush(atMostNanoseconds: 1_000_000), "flushing has its bound")
        let dropped = sink.dropped
        #expect(dropped > 700 && dropped < 1_000)
        // How often it tells depends on when its thread has a turn; together it must be all.
        var losses: [Int] = []
        var kept = 0
        while kept < 1_000 - dropped || losses.reduce(0, +) < dropped {
            for told in pipe.read(until: "\n").split(separator: "\n") {
                guard told.contains("log lines lost") else {
                    kept += 1
                    continue
                }
                losses.append(try #require(told.split(separator: ":").last.flatMap { Int($0.dropLast()) }))
            }
        }
        #expect(losses.reduce(0, +) == dropped)
        #expect(kept == 1_000 - dropped)
        #expect(sink.flush(atMostNanoseconds: 10 * seconds))
        sink.append(Array("after\n".utf8))
        #expect(pipe.read(until: "after") == "after\n")
    }

    @Test("survives a reader that has gone, and counts the lines")
    func brokenPipe() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        let sink = LogSink(file: ends[1], style: .json)
        sink.append(line)
        #expect(sink.flush(atMostNanoseconds: 10 * seconds))
        #expect(sink.dropped == 1)
        sink.append(line)
        #expect(sink.flush(atMostNanoseconds: 10 * seconds))
        #expect(sink.dropped == 2)
    }

    @Test("writes to a file that somebody has made non-blocking")
    func nonBlockingFile() throws {
        let pipe = try Pipe()
        _ = fcntl(pipe.writing, F_SETFL, fcntl(pipe.writing, F_GETFL) | O_NONBLOCK)
        let sink = LogSink(file: pipe.writing, style: .json)
        for _ in 0..<500 { sink.append(line) }
        #expect(pipe.read(atLeast: 500_000).count == 500_000)
        #expect(sink.flush(atMostNanoseconds: 10 * seconds))
        #expect(sink.dropped == 0)
    }

    @Test("writes what it holds even when its last user has gone")
    func sinkGoes() throws {
        let pipe = try Pipe()
        do {
            let sink = LogSink(file: pipe.writing, style: .json)
            for _ in 0..<300 { sink.append(line) }
        }
        #expect(pipe.read(atLeast: 300_000).count == 300_000)
    }

    @Test("keeps lines whole when several threads write")
    func concurrent() async throws {
        let pipe = try Pipe()
        let sink = LogSink(file: pipe.writing, style: .json)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask { for _ in 0..<500 { sink.append(Array("writer-\(writer)\n".utf8)) } }
            }
        }
        let lines = String(decoding: pipe.read(atLeast: 18_000), as: UTF8.self).split(separator: "\n")
        let counts = Dictionary(grouping: lines) { $0 }.mapValues(\.count)
        #expect(counts == ["writer-0": 500, "writer-1": 500, "writer-2": 500, "writer-3": 500])
    }

    @Test("is JSON for whatever is no terminal")
    func style() throws {
        #expect(LogStyle.suited(to: try Pipe().writing) == .json)
    }
}
