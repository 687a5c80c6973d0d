import Testing

@testable import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("The process' own numbers")
struct ProcessFiguresTests {
    private static let line =
        "42 (pen) stock)) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 9 0 5000 1048576 321 18446744073709551615 1"

    @Test("are found behind a command name of any form")
    func parse() throws {
        let stat = try #require(ProcessStat(Array(Self.line.utf8)))
        #expect(stat.cpuTicks == 300)
        #expect(stat.threads == 9)
        #expect(stat.startTicks == 5000)
        #expect(stat.virtualBytes == 1_048_576)
        #expect(stat.residentPages == 321)
    }

    @Test(
        "are not made up from a broken line",
        arguments: ["", "42 (x", "42 (x) S 1 2", "42 (x) " + String(repeating: "y ", count: 40)])
    func broken(line: String) {
        #expect(ProcessStat(Array(line.utf8)) == nil)
    }

    @Test(
        "say when the machine started",
        arguments: [
            ("cpu 1 2\nbtime 1700000000\nprocesses 3\n", 1_700_000_000), ("cpu 1 2\n", nil), ("btime x\n", nil),
        ] as [(String, Int64?)])
    func bootTime(text: String, time: Int64?) {
        #expect(ProcessStat.bootTime(Array(text.utf8)) == time)
    }

    @Test("are all there, and plausible")
    func samples() throws {
        let samples = Dictionary(uniqueKeysWithValues: ProcessFigures.samples().map { ($0.name, $0.figure) })
        func value(_ name: String) throws -> Double {
            switch try #require(samples[name]) {
            case .integer(let value): Double(value)
            case .real(let value): value
            }
        }
        #expect(try value("process_resident_memory_bytes") > 1_000_000)
        #expect(try value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"))
        #expect(try value("process_cpu_seconds_total") >= 0)
        #expect(try value("process_threads") >= 1)
        #expect(try value("process_open_fds") >= 3)
        #expect(try value("process_open_fds") == value("penstock_open_files"))
        #expect(try value("process_max_fds") == value("penstock_max_open_files"))
        let now = Double(WallTime.now.nanoseconds) / 1e9
        #expect(try value("process_start_time_seconds") < now + 2)
        #expect(try value("process_start_time_seconds") > now - 86_400)
    }
}
