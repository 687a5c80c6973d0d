import NIOCore
import Synchronization

/// Somebody at the admin address asks for a reload and waits for the answer.
package final class ReloadRequest: Sendable {
    package enum Answer: Sendable {
        case done(ProxyServer.Reloaded)
        /// One line for each mistake.
        case invalid([String])
        /// The process ends.
        case unavailable
    }

    private let promise: Mutex<EventLoopPromise<Answer>?>

    init(_ promise: EventLoopPromise<Answer>) {
        self.promise = Mutex(promise)
    }

    package func answer(_ answer: Answer) {
        promise.withLock { $0.take() }?.succeed(answer)
    }

    deinit {
        answer(.unavailable)
    }
}
