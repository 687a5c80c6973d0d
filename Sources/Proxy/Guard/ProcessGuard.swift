import Admission
import Logging
import Synchronization
import Telemetry

/// How the process protects itself: what all event loops have together. Safe on any thread.
///
/// Each loop tells it what it buffers, in steps; one loop looks at the whole a few times a second.
final class ProcessGuard: Sendable {
    let connections: ConnectionBound
    /// For callers, and for whoever looks at the admin address.
    let callers: ConnectionPlaces
    let admins = ConnectionPlaces(most: 48)
    let metrics: ShedMetrics
    private let log: Logger
    private let resident: @Sendable () -> Int?
    private let level = Atomic(GuardLevel.calm)
    private let buffered = Atomic(0)
    /// From here on what is buffered may mean another level.
    private let ceiling: Atomic<Int>
    private let state: Mutex<State>
    private let lags: Mutex<[Interval]>

    private struct State {
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
        connections = ConnectionBound(configured: maxConnections, descriptors: descriptors, workers: workers)
        callers = ConnectionPlaces(most: connections.most + connections.margin, metrics: metrics)
        self.metrics = metrics
        self.log = log
        self.resident = resident
        let now = resident() ?? 0
        let bound = memory.map { max($0, now + max(now, Self.leastRoom)) }
        var memoryGuard = bound.map { MemoryGuard(bound: $0) }
        memoryGuard?.look(resident: now, buffered: 0)
        ceiling = Atomic(memoryGuard?.ceiling ?? .max)
        state = Mutex(State(memory: memoryGuard, resident: now))
        lags = Mutex(Array(repeating: .zero, count: workers))
        if let warning = connections.warning { log.warning("\(warning)") }
        if let memory, let bound, bound > memory {
            log.warning("guard.max_memory leaves no room: \(bound >> 20) MiB holds, not \(memory >> 20) MiB")
        }
    }

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
        guard let memory = state.memory else { return }
        level.store(memory.level, ordering: .relaxed)
        ceiling.store(memory.ceiling, ordering: .relaxed)
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
