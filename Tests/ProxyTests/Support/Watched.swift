import NIOCore
import NIOPosix
import Synchronization

/// A value that one side changes and tests wait for, with a bound on how long.
final class Watched<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var waiting: [CheckedContinuation<Void, Never>] = []
        var changes = 0
    }

    private let state: Mutex<State>

    init(_ value: Value) {
        state = Mutex(State(value: value))
    }

    func read<Result: Sendable>(_ body: @Sendable (Value) -> Result) -> Result {
        state.withLock { body($0.value) }
    }

    @discardableResult
    func change<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result {
        let (result, waiting) = state.withLock { state in
            state.changes += 1
            defer { state.waiting = [] }
            return (body(&state.value), state.waiting)
        }
        for continuation in waiting { continuation.resume() }
        return result
    }

    /// Waits until `take` finds what it looks for.
    ///
    /// - Throws: ``TooLate`` after the bound, or what `take` throws.
    func wait<Result: Sendable>(
        for what: String, within bound: TimeAmount = .seconds(20), _ take: @Sendable (inout Value) throws -> Result?
    ) async throws -> Result {
        let deadline = NIODeadline.now() + bound
        let alarm = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(deadline: deadline) {
            self.change { _ in }
        }
        defer { alarm.cancel() }
        while true {
            let (found, seen) = try state.withLock { state in (try take(&state.value), state.changes) }
            if let found { return found }
            if NIODeadline.now() >= deadline { throw TooLate(description: "no \(what) in time") }
            await withCheckedContinuation { continuation in
                let isOld = state.withLock { state in
                    if state.changes != seen { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOld { continuation.resume() }
            }
        }
    }
}

struct TooLate: Error, CustomStringConvertible {
    let description: String
}

/// Looks again and again for what nobody announces, for twenty seconds at most.
func eventually(
    _ what: String, within bound: TimeAmount = .seconds(20), _ condition: () async throws -> Bool
) async throws {
    let deadline = NIODeadline.now() + bound
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    while try await !condition() {
        if NIODeadline.now() > deadline { throw TooLate(description: "\(what): not in time") }
        try await loop.scheduleTask(in: .milliseconds(2)) {}.futureResult.get()
    }
}
