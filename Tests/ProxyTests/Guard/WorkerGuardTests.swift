import Admission
import Logging
import Telemetry
import Testing

@testable import Proxy

@Suite("What a worker asks before it takes more")
struct WorkerGuardTests {
    private static let room = 64 << 20

    /// A process that has 36 MiB of the 100 it may have.
    private static func make(
        connections: Int = 100, memory: Int = 100 << 20, resident: Int = 36 << 20
    ) -> ProcessGuard {
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let metrics = ProxyMetrics(factory: PrometheusRegistry(catalogue: .penstock, logger: quiet))
        return ProcessGuard(
            maxConnections: connections, workers: 2, descriptors: nil, memory: memory,
            resident: { resident }, metrics: metrics.shed, log: quiet)
    }

    @Test("What is held is counted in steps, and a look counts the rest")
    func ledger() {
        let process = Self.make()
        let worker = WorkerGuard(process: process, number: 1)
        var held = 0
        worker.hold(&held, 1000)
        #expect(process.status.buffered == 0)
        worker.hold(&held, 70_000)
        #expect(process.status.buffered == 70_000)
        var other = 0
        worker.hold(&other, 500)
        worker.hold(&held, 69_000)
        worker.look(now: Clock.now(), next: .milliseconds(250))
        #expect(process.status.buffered == 69_500)
        worker.hold(&held, 0)
        worker.hold(&other, 0)
        worker.look(now: Clock.now(), next: .milliseconds(250))
        #expect(process.status.buffered == 0)
    }

    @Test("Too much of it is noticed at once, and refused by class")
    func pressure() {
        let process = Self.make()
        let worker = WorkerGuard(process: process, number: 1)
        #expect(worker.replayBound(4 << 20) == 4 << 20)
        #expect(worker.window(64 << 10) == 64 << 10)
        var held = 0
        worker.hold(&held, Self.room)
        #expect(worker.isSaving)
        #expect(worker.replayBound(4 << 20) == 0)
        #expect(worker.window(64 << 10) == 4 << 10)
        for priority in Priority.allCases {
            let refusal = worker.refusal(for: priority, isSurplus: false, connections: 1)
            #expect(refusal?.status == 503)
            #expect(refusal?.message.contains("memory in use") == true)
        }
    }

    @Test("Once nothing is held the next looks find out that all is well")
    func relief() {
        let process = Self.make()
        let worker = WorkerGuard(process: process, number: 0)
        var held = 0
        worker.hold(&held, Self.room)
        #expect(process.memoryLevel == .sheddingAll)
        worker.hold(&held, 0)
        worker.look(now: Clock.now(), next: .milliseconds(250))
        #expect(process.memoryLevel == .calm)
    }

    @Test(
        "A bound that leaves no room is not kept to: it would refuse everything for ever",
        arguments: [(16, 20, 40), (16, 10, 26), (64, 20, 64), (64, 40, 80)])
    func leastRoom(bound: Int, resident: Int, used: Int) {
        let process = Self.make(memory: bound << 20, resident: resident << 20)
        #expect(process.status.bound == used << 20)
        #expect(process.memoryLevel == .calm)
    }

    @Test("A connection too many is served only for high priority; low gives way before")
    func connections() {
        let worker = WorkerGuard(process: Self.make(connections: 100), number: 1)
        #expect(!worker.isSurplus(connections: 100))
        #expect(worker.isSurplus(connections: 101))
        func passes(_ isSurplus: Bool, _ connections: Int) -> [Priority] {
            Priority.allCases.filter { worker.refusal(for: $0, isSurplus: isSurplus, connections: connections) == nil }
        }
        #expect(passes(false, 90) == [.high, .normal, .low])
        #expect(passes(false, 96) == [.high, .normal])
        #expect(passes(false, 110) == [.high, .normal])
        #expect(passes(true, 110) == [.high])
    }

    @Test("A loop that is late refuses, and only its own requests")
    func lag() {
        let process = Self.make()
        let (late, other) = (WorkerGuard(process: process, number: 1), WorkerGuard(process: process, number: 0))
        var now = Clock.now()
        for _ in 1...4 {
            late.look(now: now, next: .milliseconds(250))
            now = now + .seconds(2)
        }
        #expect(late.refusal(for: .normal, isSurplus: false, connections: 1)?.status == 503)
        #expect(late.refusal(for: .high, isSurplus: false, connections: 1) == nil)
        #expect(other.refusal(for: .low, isSurplus: false, connections: 1) == nil)
        #expect(process.status.lag == .milliseconds(1750))
    }
}
