import Admission
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How much later than its neighbours a send may reach the provider: what the kernel measures of the round trips of the
/// upstream's connections, over all loops.
///
/// The kernel keeps a smoothed mean deviation of the round-trip time (RFC 6298 §2); four of it is what it waits beyond
/// the mean before it sends again, and so what nearly all sends stay within.
final class WayJitter: Sendable {
    /// Less than this buys nothing: the rate is held half a percent below the limit anyway.
    static let least = Interval.milliseconds(5)
    static let most = Interval.milliseconds(250)
    /// How often connections are looked at.
    static let period = Interval.seconds(5)
    /// A measured value counts for so long unless a larger one follows.
    private static let memory = Interval.minutes(10)

    private struct State {
        var current = Interval.zero
        var validUntil = Instant(nanoseconds: .min)
    }

    private let state = Mutex(State())

    /// Asks the kernel about some connections, and tells the gate what it says, and what time it is.
    func measure(_ channels: some Sequence<any Channel>, for gate: GateShell, now: Instant) {
        gate.use(jitter: nil)
        for channel in channels {
            guard let options = channel as? any SocketOptionProvider else { continue }
            options.getTCPInfo().whenSuccess { info in
                // Microseconds; nothing has been measured on a connection that sent nothing.
                guard info.tcpi_rtt > 0 else { return }
                if let jitter = self.note(.microseconds(4 * Int(info.tcpi_rttvar)), now: now) {
                    gate.use(jitter: jitter)
                }
            }
        }
    }

    /// What is in force after a measurement, if that has changed it.
    private func note(_ measured: Interval, now: Instant) -> Interval? {
        let jitter = min(max(measured, Self.least), Self.most)
        return state.withLock { state in
            guard jitter > state.current || now >= state.validUntil else { return nil }
            (state.current, state.validUntil) = (jitter, now + Self.memory)
            return jitter
        }
    }
}
