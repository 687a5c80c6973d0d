import Admission
import Providers
import Telemetry

/// How the process protects itself, as one event loop sees it: its part of the ledger, its own lag, and the answers to
/// what a request has to know. Asking costs two relaxed loads and no call.
final class WorkerGuard {
    let process: ProcessGuard
    private let number: Int
    /// What this loop's buffers have changed by since it said so.
    private var unsaid = 0
    private var lag = LoopLag()
    private var lookDue: Instant?
    private var connections: ConnectionBound

    /// The ledger is brought up to date in steps of this size.
    private static let step = 64 << 10

    /// - Parameter number: of the worker; the first one looks at the process.
    init(process: ProcessGuard, number: Int) {
        self.process = process
        self.number = number
        connections = process.connections
    }

    /// The process goes by other bounds.
    func boundsChanged() {
        connections = process.connections
    }

    // MARK: Ledger

    /// Says how much somebody buffers now: request bodies that wait or are kept, answers that are held, what is written
    /// and not taken. At the end of it all, nothing.
    ///
    /// - Parameter held: what was said last; zero at first.
    func hold(_ held: inout Int, _ bytes: Int) {
        unsaid += bytes - held
        held = bytes
        if unsaid.magnitude >= Self.step { say() }
    }

    private func say() {
        process.moved(unsaid)
        unsaid = 0
    }

    /// Whether memory is tight: nothing is to be kept that is not needed.
    var isSaving: Bool { process.memoryLevel >= .saving }

    /// Whether memory is so tight that requests are refused for it.
    var isShedding: Bool { process.memoryLevel >= .sheddingLow }

    /// A head of so many bytes may have begun: what it can come to, with what the parser makes of it, is counted
    /// before it comes. Twice its size: 60 KiB in 60 fields take 112.
    ///
    /// - Returns: why it can't come, where it can't.
    func beginHead(_ held: inout Int, atMost bytes: Int) -> Refusal? {
        hold(&held, 2 * bytes)
        guard process.memoryLevel == .sheddingAll else { return nil }
        process.metrics.count(.memory, .normal)
        return Self.tooMuchMemory
    }

    static let tooMuchMemory = Refusal.overloaded(ShedReason.memory.inWords)

    /// What may be kept of a body for a repetition.
    func replayBound(_ bound: Int) -> Int { isSaving ? 0 : bound }

    /// What may gather of a body before it is sent. Not nothing, so that small requests come whole.
    func window(_ bytes: Int) -> Int { isSaving ? min(bytes, Self.smallWindow) : bytes }

    private static let smallWindow = 4 << 10

    // MARK: Requests

    /// Why a new request is not taken, where it is not; counted as shed.
    ///
    /// - Parameter isSurplus: whether its connection came when there were too many already.
    func refusal(for priority: Priority, isSurplus: Bool, connections: Int) -> Refusal? {
        let shedding = Shedding(
            memory: process.memoryLevel, loop: lag.level,
            connections: isSurplus ? .sheddingNormal : self.connections.level(at: connections))
        guard let reason = shedding.reason(against: priority) else { return nil }
        process.metrics.count(reason, ShedPriority(priority))
        return .overloaded(reason.inWords)
    }

    /// Whether a connection that is opened now is one too many.
    func isSurplus(connections: Int) -> Bool {
        connections > self.connections.most
    }

    // MARK: Looking

    /// The loop's regular look.
    ///
    /// - Parameter next: how long until the next one.
    func look(now: Instant, next: Interval) {
        lag.note(late: lookDue.map { now - $0 } ?? .zero)
        lookDue = now + next
        process.lag(lag.usual, of: number)
        if unsaid != 0 { say() }
        if number == 0 { process.look(now: now) }
    }
}

extension ShedPriority {
    init(_ priority: Priority) {
        switch priority {
        case .high: self = .high
        case .normal: self = .normal
        case .low: self = .low
        }
    }
}

extension ShedReason {
    /// After "too much".
    fileprivate var inWords: String {
        switch self {
        case .memory: "memory in use"
        case .loopLag: "work at the same time"
        case .connections: "connections"
        }
    }
}
