import Admission
import Logging
import Synchronization
import Telemetry

/// How the process protects itself: what all event loops have together. Safe on any thread.
///
/// Each loop tells it what it buffers, in steps; one loop looks at the whole a few times a second.
final class ProcessGuard: Sendable {
    /// For callers, and for whoever looks at the admin address.
    let callers: ConnectionPlaces
    let admins = ConnectionPlaces(most: 48)
    let metrics: ShedMetrics
    private let log: Logger
    private let resident: @Sendable () -> Int?
    private let workers: Int
    private let descriptors: Int?
    private let level = Atomic(GuardLevel.calm)
    private let buffered = Atomic(0)
    /// From here on what is buffered may mean another level.
    private let ceiling: Atomic<Int>
    private let state: Mutex<State>
    private let lags: Mutex<[Interval]>

    private struct State {
        var connections: ConnectionBound
        /// `nil` where nothing is known of the memory that there is.
        var memory: MemoryGuard?
        var resident = 0
        var nextTrim = Instant(nanoseconds: .min)
        var report = GuardReport()
    }

    /// Least room for requests above what the process has when it starts. With a bound below that, or below twice of
    /// what it has, it would refuse some or all for ever.
    private static let leastRoom = 16 << 20

    /// - Parameters:
    ///   - descriptors: how many the process may have; `nil` for as many as it wants.
    ///   - memory: what it is to stay below, in bytes; `nil` where that is not known.
    ///   - resident: the memory in use, in bytes.
    init(
        maxConnections: Int, workers: Int, descriptors: Int?, memory: Int?,
        resident: @escaping @Sendable () -> Int?, metrics: ShedMetrics, log: Logger
    ) {
        self.workers = workers
        self.descriptors = descriptors
        let connections = ConnectionBound(configured: maxConnections, descriptors: descriptors, workers: workers)
        callers = ConnectionPlaces(most: connections.most + connections.margin, metrics: metrics)
        self.metrics = metrics
        self.log = log
        self.resident = resident
        let now = resident() ?? 0
        let memoryGuard = Self.memoryGuard(memory, resident: now, buffered: 0, log)
        ceiling = Atomic(memoryGuard?.ceiling ?? .max)
        state = Mutex(State(connections: connections, memory: memoryGuard, resident: now))
        lags = Mutex(Array(repeating: .zero, count: workers))
        if let warning = connections.warning { log.warning("\(warning)") }
    }

    private static func memoryGuard(_ memory: Int?, resident: Int, buffered: Int, _ log: Logger) -> MemoryGuard? {
        guard let memory else { return nil }
        let bound = max(memory, resident - buffered + max(resident - buffered, leastRoom))
        if bound > memory {
            log.warning("guard.max_memory leaves no room: \(bound >> 20) MiB holds, not \(memory >> 20) MiB")
        }
        var memoryGuard = MemoryGuard(bound: bound)
        memoryGuard.look(resident: resident, buffered: buffered)
        return memoryGuard
    }

    /// Goes by other bounds from now on; see ``init(maxConnections:workers:descriptors:memory:resident:metrics:log:)``.
    func replace(maxConnections: Int, memory: Int?) {
        let bound = ConnectionBound(configured: maxConnections, descriptors: descriptors, workers: workers)
        if bound != connections, let warning = bound.warning { log.warning("\(warning)") }
        callers.allow(bound.most + bound.margin)
        let now = resident() ?? 0
        let buffered = max(0, buffered.load(ordering: .relaxed))
        let memoryGuard = Self.memoryGuard(memory, resident: now, buffered: buffered, log)
        state.withLock { state in
            state.connections = bound
            state.memory = memoryGuard
            state.resident = now
            publish(state)
        }
    }

    /// How many connections are taken; each loop keeps a copy.
    var connections: ConnectionBound { state.withLock { $0.connections } }

    /// How tight memory is.
    var memoryLevel: GuardLevel { level.load(ordering: .relaxed) }

    /// A loop's buffers have grown, or shrunk, by so many bytes.
    func moved(_ bytes: Int) {
        let now = buffered.wrappingAdd(bytes, ordering: .relaxed).newValue
        guard bytes > 0, now >= ceiling.load(ordering: .relaxed) else { return }
        state.withLock { state in
            state.memory?.look(buffered: now)
            publish(state)
        }
    }

    private func publish(_ state: State) {
        level.store(state.memory?.level ?? .calm, ordering: .relaxed)
        ceiling.store(state.memory?.ceiling ?? .max, ordering: .relaxed)
    }

    func lag(_ lag: Interval, of worker: Int) {
        lags.withLock { $0[worker] = lag }
    }

    // MARK: Looking

    /// After freed memory was given back, this long nothing is: it costs time in proportion to the heap.
    private static let trimPause = Interval.seconds(2)

    /// To be called a few times a second, by one loop.
    func look(now: Instant) {
        guard let resident = resident() else { return }
        let buffered = max(0, buffered.load(ordering: .relaxed))
        let (report, trims) = state.withLock { state in
            state.resident = resident
            state.memory?.look(resident: resident, buffered: buffered)
            publish(state)
            let trims = state.memory?.holdsWhatIsFree == true && now >= state.nextTrim
            if trims { state.nextTrim = now + Self.trimPause }
            return (state.report.line(callers, admins, now: now), trims)
        }
        // It takes milliseconds, so no event loop does it.
        if trims { Task.detached { Allocator.giveBackWhatIsFree() } }
        if let report { log.warning("Turned connections away", metadata: report) }
    }

    /// For `/status`.
    var status: GuardStatus {
        let (bound, resident) = state.withLock { ($0.memory?.bound, $0.resident) }
        return GuardStatus(
            level: memoryLevel, buffered: max(0, buffered.load(ordering: .relaxed)), resident: resident, bound: bound,
            connections: connections, connected: callers.count, turnedAway: callers.turnedAway,
            acceptFailures: callers.failures + admins.failures, openFiles: ProcessFigures.openFiles,
            mostOpenFiles: ProcessFigures.mostOpenFiles, lag: lags.withLock { $0.max() ?? .zero })
    }
}
